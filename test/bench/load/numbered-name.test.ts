import t from 'tap';
import { numberOf } from '../../../src/bench/load/numbered-name.js';

t.test('the number of a name is read, and nothing else is taken for one', async (t) => {
  const prefix = Buffer.from('bench/');
  const read = (name: string) => {
    const bytes = Buffer.from(`xx${name}yy`);
    return numberOf(prefix, bytes, 2, bytes.length - 2);
  };
  t.equal(read('bench/0'), 0);
  t.equal(read('bench/99999'), 99_999);
  for (const other of ['bench/', 'bench/01', 'bench/1x', 'bench', 'other/1', '', '12345678']) {
    t.equal(read(other), -1, other);
  }
});
