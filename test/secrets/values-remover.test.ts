import t from 'tap';
import { ValuesRemover } from '../../src/secrets/values-remover.js';

t.test('a value that begins as another does leaves nothing of that one', async (t) => {
  const [old, next] = [{}, {}];
  const remover = new ValuesRemover();
  remover.hide(old, ['hunter2']);
  remover.hide(next, ['hunter2-2026', undefined]);
  t.equal(remover.clean('hunter2-2026 hunter2 hunter2-2026'), '... ... ...');
});

t.test('the same credentials again replace what they had', async (t) => {
  const of = {};
  const remover = new ValuesRemover();
  remover.hide(of, ['planted']);
  remover.hide(of, ['$&']);
  remover.hide(of, ['$&$&']);
  t.equal(remover.clean('planted $&$& $&'), 'planted ... $&');
});

t.test('a text without values is what it was', async (t) => {
  t.equal(new ValuesRemover().clean('nothing'), 'nothing');
});
