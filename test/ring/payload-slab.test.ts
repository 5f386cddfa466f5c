import assert from 'node:assert/strict';
import t from 'tap';
import { PayloadSlab } from '../../src/ring/payload-slab.js';
import { forSeeds } from '../support/random.js';

const PAGE = 4096;

t.test('regions are handed out from the bottom, in whole pages', async (t) => {
  const slab = new PayloadSlab(4 * PAGE);
  t.equal(slab.reserve(1), 0);
  t.equal(slab.reserve(PAGE), PAGE);
  t.equal(slab.reserve(PAGE + 1), 2 * PAGE);
  t.equal(slab.takenBytes, 4 * PAGE);
  t.equal(slab.reserve(0), -1, 'even nothing takes a page');
  slab.release(PAGE);
  t.equal(slab.reserve(PAGE + 1), -1);
  t.equal(slab.reserve(10), PAGE, 'pages that were in use are used again');
});

t.test('its size is rounded up to whole pages', async (t) => {
  const slab = new PayloadSlab(PAGE + 1);
  t.equal(slab.memory.byteLength, 2 * PAGE);
  t.equal(slab.bytes.length, 2 * PAGE);
  t.equal(slab.reserve(2 * PAGE), 0);
});

t.test('a region that is not taken cannot be released', async (t) => {
  const slab = new PayloadSlab(4 * PAGE);
  t.throws(() => slab.release(0));
  const start = slab.reserve(2 * PAGE);
  t.throws(() => slab.release(start + PAGE), /no region/);
  slab.release(start);
  t.throws(() => slab.release(start), /no region/);
});

t.test('whatever the order, released regions join again', async (t) => {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  for (const order of orders) {
    const slab = new PayloadSlab(3 * PAGE);
    const starts = [slab.reserve(PAGE), slab.reserve(PAGE), slab.reserve(PAGE)];
    for (const index of order) slab.release(starts[index] as number);
    t.equal(slab.reserve(3 * PAGE), 0, `${order}`);
  }
});

t.test('random use agrees with a map of pages', (t) =>
  forSeeds(t, 1_000, (random) => {
    const pages = random.between(1, 12);
    const slab = new PayloadSlab(pages * PAGE);
    const owner = new Array<number>(pages).fill(0);
    const taken: { start: number; pages: number }[] = [];
    /** The first run of free pages that is long enough. */
    const firstFit = (count: number) =>
      owner.findIndex(
        (_, at) => at + count <= pages && owner.slice(at, at + count).every((it) => it === 0),
      );
    for (let i = 0; i < 100; i++) {
      if (random.chance(0.55)) {
        const bytes = random.between(0, 4 * PAGE);
        const count = Math.max(1, Math.ceil(bytes / PAGE));
        const expected = firstFit(count);
        const start = slab.reserve(bytes);
        assert.equal(start, expected < 0 ? -1 : expected * PAGE);
        if (start < 0) continue;
        owner.fill(1, expected, expected + count);
        taken.push({ start, pages: count });
      } else if (taken.length > 0) {
        const [region] = taken.splice(random.below(taken.length), 1);
        assert.ok(region !== undefined);
        slab.release(region.start);
        owner.fill(0, region.start / PAGE, region.start / PAGE + region.pages);
      }
      assert.equal(slab.takenBytes, owner.filter((it) => it === 1).length * PAGE);
    }
  }),
);
