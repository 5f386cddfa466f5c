import assert from 'node:assert/strict';
import t from 'tap';
import { FairShare } from '../../src/base/fair-share.js';
import { forSeeds } from '../support/random.js';

/** Takes by `amount` until it may not; returns how much that was. */
function fill(share: FairShare, owner: number, amount: number): number {
  let taken = 0;
  for (; share.mayTake(owner, amount); taken += amount) share.take(owner, amount);
  return taken;
}

t.test('one owner has all of it', async (t) => {
  const share = new FairShare(1000, 1);
  t.equal(fill(share, 0, 10), 1000);
  t.equal(share.taken, 1000);
  t.notOk(share.mayTake(0, 1));
  share.give(0, 10);
  t.ok(share.mayTake(0, 10));
  t.notOk(share.mayTake(0, 11));
});

t.test(
  'of two, one that takes all it may leaves more to the other than its own part',
  async (t) => {
    const share = new FairShare(1000, 2);
    t.equal(fill(share, 0, 1), 500, 'a quarter of its own, and half of the common half');
    t.equal(fill(share, 1, 1), 375);
    t.notOk(share.mayTake(0, 1));
    for (let i = 0; i < 100; i++) share.give(0, 1);
    t.ok(share.mayTake(1, 1), 'what one gives back is there for the other');
  },
);

t.test('however many hold what they may, the last has its own part', async (t) => {
  for (const owners of [2, 3, 10, 256]) {
    const total = 1_000_000;
    const share = new FairShare(total, owners);
    for (let owner = 0; owner < owners - 1; owner++) fill(share, owner, 7);
    const least = Math.floor(total / 2 / owners);
    t.ok(fill(share, owners - 1, 7) > least - 7, `${owners} owners`);
    t.ok(share.taken <= total);
  }
});

t.test('an owner that holds nothing may take one amount, however large', async (t) => {
  const share = new FairShare(1000, 4);
  for (let owner = 0; owner < 3; owner++) fill(share, owner, 1);
  t.ok(share.mayTake(3, 600));
  share.take(3, 600);
  t.notOk(share.mayTake(3, 1), 'and then waits for it');
  share.give(3, 600);
  t.ok(share.mayTake(3, 600));
});

t.test('more than was taken cannot come back', async (t) => {
  const share = new FairShare(1000, 2);
  share.take(0, 10);
  t.throws(() => share.give(0, 11), /more comes back/);
  t.throws(() => share.give(1, 1), /more comes back/);
  share.reset();
  t.equal(share.taken, 0);
  t.throws(() => share.give(0, 1), /more comes back/);
});

t.test('whatever is taken and given back, in any order, nobody is starved', (t) =>
  forSeeds(t, 300, (random) => {
    const owners = random.between(2, 6);
    const total = random.between(100, 5000);
    const amountMax = Math.ceil(total / 8);
    const share = new FairShare(total, owners);
    const held: number[][] = Array.from({ length: owners }, () => []);
    const sum = (amounts: readonly number[]) => amounts.reduce((a, b) => a + b, 0);
    for (let step = 0; step < 300; step++) {
      const owner = random.below(owners);
      const amount = random.between(1, amountMax);
      const mine = held[owner] as number[];
      if (random.chance(0.7)) {
        const fits = sum(mine) + amount <= Math.floor(total / 2 / owners);
        const may = share.mayTake(owner, amount);
        assert.ok(may || (mine.length > 0 && !fits), 'its own part, or its first');
        if (may) {
          mine.push(amount);
          share.take(owner, amount);
        }
      } else {
        const back = mine.splice(random.below(mine.length + 1), 1)[0];
        if (back !== undefined) share.give(owner, back);
      }
      assert.equal(share.taken, sum(held.flat()));
      assert.ok(share.taken <= total + owners * amountMax, 'the bound');
    }
    for (const [owner, amounts] of held.entries()) {
      for (const amount of amounts) share.give(owner, amount);
    }
    assert.equal(share.taken, 0);
    assert.equal(fill(share, 0, 1), fill(new FairShare(total, owners), 0, 1), 'all is as it was');
  }),
);
