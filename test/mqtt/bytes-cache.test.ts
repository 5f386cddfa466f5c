import t from 'tap';
import { BytesCache } from '../../src/mqtt/bytes-cache.js';

const utf8 = new TextEncoder();

t.test('a value is found by its bytes, wherever they lie', async (t) => {
  const cache = new BytesCache(4, 1);
  const value = { bytes: utf8.encode('ab') };
  cache.add(value);
  t.equal(cache.find(utf8.encode('<ab>'), 1, 3), value);
  for (const [start, end] of [
    [1, 2],
    [1, 4],
    [0, 0],
  ] as const) {
    t.equal(cache.find(utf8.encode('<ab>'), start, end), undefined);
  }
});

t.test('a full cache forgets all but what is added then', async (t) => {
  const cache = new BytesCache(2, 1);
  const values = ['a', 'b', 'c'].map((text) => ({ bytes: utf8.encode(text) }));
  for (const value of values) cache.add(value);
  t.same(
    values.map(({ bytes }) => cache.find(bytes, 0, 1)),
    [undefined, undefined, values[2]],
  );
});
