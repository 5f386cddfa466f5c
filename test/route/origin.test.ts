import t from 'tap';
import { hasPassed, hop, millraceHeader } from '../../src/route/origin.js';

t.test('a hop is told apart from every other, whatever the names', async (t) => {
  const names = ['a', 'b', 'a/b', 'a,b', 'a;b', 'a b', 'é', '%2F', ''];
  const hops = names.flatMap((connector) => names.map((route) => hop(connector, route)));
  t.equal(new Set(hops).size, names.length ** 2);
  t.ok(hops.every((each) => !/[,;]/.test(each) && each.split('/').length === 2));
});

t.test('a path contains its hops, whole ones only', async (t) => {
  t.ok(hasPassed('a/b', 'a/b'));
  t.ok(hasPassed('x/y,a/b', 'a/b'));
  t.notOk(hasPassed('a/bc', 'a/b'));
  t.notOk(hasPassed('aa/b', 'a/b'));
  t.notOk(hasPassed('', 'a/b'));
});

t.test('the header lists the properties and the path, this route last', async (t) => {
  t.equal(millraceHeader(['QoS'], 'c/r', undefined), 'v=1;properties=QoS;path=c/r');
  t.equal(millraceHeader([], 'c/r', 'a/b,d/e'), 'v=1;properties=;path=a/b,d/e,c/r');
});
