import t from 'tap';
import { mapAtOnce } from '../../src/base/map-at-once.js';

t.test('results keep the order of the items, and no more tasks run than may', async (t) => {
  const begun: (() => void)[] = [];
  let underWay = 0;
  let most = 0;
  const results = mapAtOnce([0, 1, 2, 3, 4, 5, 6], 3, async (item) => {
    underWay += 1;
    most = Math.max(most, underWay);
    await new Promise<void>((resolve) => begun.push(resolve));
    underWay -= 1;
    return item * 10;
  });
  // The last that began ends first.
  while (begun.length > 0) {
    begun.pop()?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.same(await results, [0, 10, 20, 30, 40, 50, 60]);
  t.equal(most, 3);
});

t.test('after a failure nothing is begun', async (t) => {
  const begun: number[] = [];
  const failing = mapAtOnce([0, 1, 2, 3], 1, async (item) => {
    begun.push(item);
    if (item === 1) throw new Error('no');
  });
  await t.rejects(failing, { message: 'no' });
  t.same(begun, [0, 1]);
});

t.test('of no items nothing comes', async (t) => {
  t.same(await mapAtOnce([], 4, async () => 1), []);
});
