import assert from 'node:assert/strict';
import t from 'tap';
import {
  DEAD_LETTERED,
  Ledger,
  NO_REGION,
  NO_SHARD,
  type Outcome,
  PART_EXPIRED,
  PERSISTED,
  UNKNOWN,
} from '../../src/delivery/ledger.js';
import { forSeeds, type Random } from '../support/random.js';

const open = (ledger: Ledger<string>, parts: number, context = 'x') =>
  ledger.open(1, 2, parts, NO_REGION, 3, context);

t.test('a delivery remembers what it was opened with until it is closed', async (t) => {
  const ledger = new Ledger<string>(4);
  const id = ledger.open(65_535, 65_535, 1, 4096, 12.5, 'context');
  t.equal(ledger.sessionIndex[id], 65_535);
  t.equal(ledger.packetId[id], 65_535);
  t.equal(ledger.region[id], 4096);
  t.equal(ledger.openedMs[id], 12.5);
  t.equal(ledger.shard[id], NO_SHARD);
  t.equal(ledger.context(id), 'context');
  t.ok(ledger.settle(id, PERSISTED));
  t.equal(ledger.context(id), 'context');
  ledger.close(id);
  t.equal(ledger.openCount, 0);
});

t.test('the outcome of a delivery is the worst of its parts', async (t) => {
  const worst = (...outcomes: Outcome[]) => {
    const ledger = new Ledger<string>(1);
    const id = open(ledger, outcomes.length);
    const last = outcomes.map((outcome) => ledger.settle(id, outcome));
    t.strictSame(last, [...outcomes.slice(1).map(() => false), true]);
    return ledger.outcome(id);
  };
  t.equal(worst(PERSISTED, PERSISTED), PERSISTED);
  t.equal(worst(PERSISTED, PART_EXPIRED, PERSISTED), PART_EXPIRED);
  t.equal(worst(DEAD_LETTERED, PART_EXPIRED), DEAD_LETTERED);
  t.equal(worst(UNKNOWN, DEAD_LETTERED, PERSISTED), UNKNOWN);
});

t.test('nothing of one delivery is left in the next with its id', async (t) => {
  const ledger = new Ledger<string>(1);
  const first = ledger.open(1, 1, 1, 8192, 1, 'first');
  ledger.shard[first] = 3;
  ledger.settle(first, UNKNOWN);
  ledger.close(first);
  const second = open(ledger, 1, 'second');
  t.equal(second, first);
  t.equal(ledger.outcome(second), PERSISTED);
  t.equal(ledger.region[second], NO_REGION);
  t.equal(ledger.shard[second], NO_SHARD);
  t.equal(ledger.context(second), 'second');
});

t.test('settling too much, closing too early and opening too many are mistakes', async (t) => {
  const ledger = new Ledger<string>(1);
  t.throws(() => ledger.settle(0, PERSISTED), /not open/);
  const id = open(ledger, 2);
  t.ok(ledger.full);
  t.throws(() => open(ledger, 1), /full/);
  t.throws(() => ledger.close(id), /open parts/);
  ledger.settle(id, PERSISTED);
  ledger.settle(id, PERSISTED);
  t.notOk(ledger.isOpen(id));
  t.throws(() => ledger.settle(id, PERSISTED), /not open/);
  ledger.close(id);
  t.notOk(ledger.full);
});

t.test('an id that was never given is not open', async (t) => {
  const ledger = new Ledger<string>(2);
  t.notOk(ledger.isOpen(0));
  t.notOk(ledger.isOpen(99));
});

interface Expected {
  readonly id: number;
  parts: number;
  worst: number;
}

function settleOne(random: Random, ledger: Ledger<string>, deliveries: Expected[]): void {
  const index = random.below(deliveries.length);
  const delivery = deliveries[index] as Expected;
  const outcome = random.below(4) as Outcome;
  delivery.parts--;
  delivery.worst = Math.max(delivery.worst, outcome);
  assert.equal(ledger.settle(delivery.id, outcome), delivery.parts === 0);
  if (delivery.parts > 0) return;
  assert.equal(ledger.outcome(delivery.id), delivery.worst);
  assert.equal(ledger.context(delivery.id), 'random');
  ledger.close(delivery.id);
  deliveries.splice(index, 1);
}

t.test('random deliveries in a tiny ledger each settle once, with the worst outcome', (t) =>
  forSeeds(t, 1_000, (random) => {
    const capacity = random.between(1, 6);
    const ledger = new Ledger<string>(capacity);
    const deliveries: Expected[] = [];
    for (let i = 0; i < 200; i++) {
      if (!ledger.full && random.chance(0.5)) {
        const parts = random.between(1, 3);
        const id = open(ledger, parts, 'random');
        assert.ok(!deliveries.some((each) => each.id === id), 'an id belongs to one delivery');
        deliveries.push({ id, parts, worst: PERSISTED });
      } else if (deliveries.length > 0) settleOne(random, ledger, deliveries);
      assert.equal(ledger.openCount, deliveries.length);
      assert.equal(ledger.full, deliveries.length === capacity);
      for (const { id } of deliveries) assert.ok(ledger.isOpen(id));
    }
  }),
);
