import t from 'tap';
import {
  extendPath,
  hasPassed,
  hop,
  millraceHeader,
  parseMillraceHeader,
} from '../../src/route/origin.js';

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

t.test('what is no hop is left out of a path, and a long one is cut at its front', async (t) => {
  t.equal(extendPath('a/b,nonsense,é/x,c d/e,,f/g', 'c/r'), 'a/b,f/g,c/r');
  const hops = Array.from({ length: 20 }, (_, i) => hop('c', `r${i}`));
  t.equal(extendPath(hops.join(','), 'c/r'), [...hops.slice(5), 'c/r'].join(','));
  const huge = ['a', 'b', 'c'].map((name) => hop(name, 'x'.repeat(30_000)));
  t.equal(extendPath(huge.join(','), 'c/r'), [...huge.slice(1), 'c/r'].join(','));
});

t.test('the header is read as it was written, and nothing else is', async (t) => {
  const written = millraceHeader(['Topic', 'QoS'], 'c/r', 'a/b');
  t.strictSame(parseMillraceHeader(written), { properties: ['Topic', 'QoS'], path: 'a/b,c/r' });
  for (const text of ['', 'v=2;properties=;path=a/b', 'v=1;path=a/b', 'xv=1;properties=;path='])
    t.equal(parseMillraceHeader(text), undefined, text);
});
