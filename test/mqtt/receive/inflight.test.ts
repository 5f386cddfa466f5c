import assert from 'node:assert/strict';
import t from 'tap';
import { EXCEEDED, FRESH, IN_USE, Inflight, JOINED } from '../../../src/mqtt/receive/inflight.js';
import { forSeeds, type Random } from '../../support/random.js';

function createInflight(capacity: number) {
  const pubacks: [packetId: number, reasonCode: number][] = [];
  const inflight = new Inflight(capacity, (...puback) => pubacks.push(puback));
  inflight.onConnected(false);
  const resume = () => {
    inflight.onDisconnected();
    inflight.onConnected(true);
  };
  return { inflight, pubacks, resume };
}

t.test('PUBACKs leave in the order of receipt, whatever settles first', async (t) => {
  const { inflight, pubacks } = createInflight(8);
  for (const id of [30, 10, 20]) {
    t.equal(inflight.receive(id, false), FRESH);
    inflight.open(id, id * 100);
  }
  inflight.settle(20, 2000, 0x83);
  inflight.settle(10, 1000, 0);
  t.strictSame(pubacks, []);
  t.equal(inflight.unacknowledged, 3);
  inflight.settle(30, 3000, 0);
  t.strictSame(pubacks, [
    [30, 0],
    [10, 0],
    [20, 0x83],
  ]);
  t.equal(inflight.unacknowledged, 0);
});

t.test('a packet identifier in use on this connection is the mistake of the broker', async (t) => {
  const { inflight } = createInflight(8);
  inflight.open(1, 0);
  t.equal(inflight.receive(1, false), IN_USE);
  t.equal(inflight.receive(1, true), IN_USE, 'DUP or not');
});

t.test('settled ones behind an open one still count against the Receive Maximum', async (t) => {
  const { inflight } = createInflight(2);
  inflight.open(1, 0);
  inflight.open(2, 1);
  inflight.settle(2, 1, 0);
  t.notOk(inflight.full, 'there is credit for another delivery');
  t.equal(inflight.receive(3, false), EXCEEDED, 'but the broker had two PUBACKs to wait for');
});

t.test('a redelivery joins the delivery that is open, and takes its turn', async (t) => {
  const { inflight, pubacks, resume } = createInflight(4);
  inflight.open(1, 10);
  inflight.open(2, 20);
  inflight.settle(2, 20, 0);
  resume();
  t.equal(inflight.unacknowledged, 0);
  t.equal(inflight.pending, 1);
  t.equal(inflight.receive(2, true), JOINED);
  t.strictSame(pubacks, [[2, 0]], 'settled meanwhile: acknowledged at once');
  t.equal(inflight.receive(1, true), JOINED);
  inflight.settle(1, 10, 0);
  t.strictSame(pubacks[1], [1, 0]);
});

t.test(
  'DUP alone proves nothing: an identifier of no open delivery is a new message',
  async (t) => {
    const { inflight } = createInflight(4);
    t.equal(inflight.receive(9, true), FRESH);
  },
);

t.test('without DUP an identifier that is used again is another message', async (t) => {
  const { inflight, pubacks, resume } = createInflight(4);
  inflight.open(1, 10);
  resume();
  t.equal(inflight.receive(1, false), FRESH);
  inflight.open(1, 11);
  t.equal(inflight.pending, 2, 'the earlier one keeps its credit');
  inflight.settle(1, 10, 0x83);
  t.strictSame(pubacks, [], 'and its end concerns nobody');
  inflight.settle(1, 11, 0);
  t.strictSame(pubacks, [[1, 0]]);
  t.equal(inflight.pending, 0);
});

t.test(
  'a lost session forgets packet identifiers, and keeps the credit of open deliveries',
  async (t) => {
    const { inflight, pubacks } = createInflight(2);
    inflight.open(1, 10);
    inflight.open(2, 20);
    inflight.onDisconnected();
    inflight.onConnected(false);
    t.ok(inflight.full);
    t.equal(inflight.receive(1, true), FRESH, 'DUP cannot mean the delivery of another session');
    inflight.settle(1, 10, 0);
    inflight.settle(2, 20, 0);
    t.equal(inflight.pending, 0);
    t.strictSame(pubacks, []);
  },
);

t.test('what is not redelivered before a new message is forgotten', async (t) => {
  const { inflight, pubacks, resume } = createInflight(4);
  inflight.open(1, 10);
  inflight.open(2, 20);
  inflight.open(3, 30);
  resume();
  t.equal(inflight.receive(2, true), JOINED);
  t.equal(inflight.receive(9, false), FRESH, 'the broker is through with what it had');
  inflight.open(9, 90);
  t.equal(inflight.receive(1, true), FRESH, 'another message, by now');
  inflight.open(1, 11);
  t.equal(inflight.pending, 5, 'what is open keeps its credit');
  inflight.settle(1, 10, 0);
  inflight.settle(3, 30, 0);
  inflight.settle(2, 20, 0);
  inflight.settle(9, 90, 0);
  t.strictSame(pubacks, [
    [2, 0],
    [9, 0],
  ]);
  inflight.settle(1, 11, 0);
  t.strictSame(pubacks[2], [1, 0]);
  t.equal(inflight.pending, 0);
});

t.test(
  'what can expire and was not redelivered over a connection is forgotten with it',
  async (t) => {
    const { inflight, resume } = createInflight(4);
    inflight.open(1, 10, true);
    inflight.open(2, 20, true);
    inflight.open(3, 30);
    resume();
    t.equal(inflight.receive(1, true), JOINED);
    resume();
    t.equal(inflight.receive(2, true), FRESH, 'its identifier may have been given away unseen');
    t.equal(inflight.receive(1, true), JOINED, 'it is still there');
    t.equal(inflight.receive(3, true), JOINED, 'the broker had to keep it');
  },
);

t.test('connections that break within redelivery lose nothing of what cannot expire', async (t) => {
  const { inflight, resume } = createInflight(4);
  for (const packetId of [1, 2, 3, 4]) inflight.open(packetId, packetId);
  for (let n = 0; n < 50; n++) {
    resume();
    if (n % 2 === 0) t.equal(inflight.receive(1, true), JOINED);
  }
  resume();
  for (const packetId of [1, 2, 3, 4]) t.equal(inflight.receive(packetId, true), JOINED);
  t.equal(inflight.pending, 4);
});

t.test('an attempt that is not accepted forgets nothing', async (t) => {
  const { inflight, resume } = createInflight(4);
  inflight.open(1, 10);
  resume();
  t.equal(inflight.receive(1, true), JOINED);
  inflight.onDisconnected();
  for (let i = 0; i < 3; i++) inflight.onDisconnected();
  inflight.onConnected(true);
  t.equal(inflight.receive(1, true), JOINED);
});

t.test('an abandoned delivery is produced again when the broker sends it again', async (t) => {
  const { inflight, pubacks, resume } = createInflight(2);
  inflight.open(1, 10);
  inflight.abandon(1, 10);
  resume();
  t.equal(inflight.pending, 0);
  t.equal(inflight.receive(1, true), FRESH);
  t.strictSame(pubacks, []);
});

t.test('the Receive Maximum is from 1 to 65,535', async (t) => {
  t.throws(() => createInflight(0));
  t.throws(() => createInflight(65_536));
  const { inflight, pubacks } = createInflight(65_535);
  for (let id = 1; id <= 65_535; id++) inflight.open(id, id);
  t.ok(inflight.full);
  for (let id = 65_535; id >= 1; id--) inflight.settle(id, id, 0);
  t.equal(pubacks.length, 65_535);
  t.ok(pubacks.every(([id], i) => id === i + 1));
});

interface Delivery {
  readonly id: number;
  readonly packetId: number;
  readonly expires: boolean;
  reasonCode: number | undefined;
  /** Whether a redelivery would be this one. */
  known: boolean;
}

/** What must hold, told by lists instead of rings. */
class Model {
  readonly capacity: number;
  readonly inflight: Inflight;
  readonly pubacks: [number, number][] = [];
  deliveries: Delivery[] = [];
  /** By order of receipt over this connection. */
  receipts: Delivery[] = [];
  /** What this connection shall bring again. */
  #awaited: Delivery[] = [];
  #nextId = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.inflight = new Inflight(capacity, (...puback) => this.pubacks.push(puback));
    this.inflight.onConnected(false);
  }

  get open(): Delivery[] {
    return this.deliveries.filter(({ reasonCode }) => reasonCode === undefined);
  }

  receive(packetId: number, dup: boolean, expires = false): void {
    const waiting = this.receipts.slice(this.pubacks.length);
    if (!dup) this.#endRedelivery();
    const known = this.deliveries.find((each) => each.known && each.packetId === packetId);
    const result = this.inflight.receive(packetId, dup);
    if (waiting.some((each) => each.packetId === packetId)) assert.equal(result, IN_USE);
    else if (waiting.length === this.capacity) assert.equal(result, EXCEEDED);
    else if (known !== undefined && dup) {
      assert.equal(result, JOINED);
      this.receipts.push(known);
    } else {
      assert.equal(result, FRESH);
      if (!this.inflight.full) this.#openNew(packetId, expires);
    }
  }

  /** Redelivery is over: only what it brought is known still. */
  #endRedelivery(): void {
    for (const each of this.#awaited) if (!this.receipts.includes(each)) each.known = false;
    this.#awaited = [];
  }

  #openNew(packetId: number, expires: boolean): void {
    const delivery = { id: this.#nextId++, packetId, expires, reasonCode: undefined, known: true };
    this.deliveries.push(delivery);
    this.receipts.push(delivery);
    this.inflight.open(packetId, delivery.id, expires);
  }

  settle(delivery: Delivery, reasonCode: number): void {
    delivery.reasonCode = reasonCode;
    this.inflight.settle(delivery.packetId, delivery.id, reasonCode);
  }

  abandon(delivery: Delivery): void {
    delivery.reasonCode = -1;
    delivery.known = false;
    this.inflight.abandon(delivery.packetId, delivery.id);
    this.disconnect(true);
  }

  disconnect(sessionPresent: boolean): void {
    this.inflight.onDisconnected();
    this.inflight.onConnected(sessionPresent);
    const again = this.#awaited.filter((each) => each.known && !this.receipts.includes(each));
    for (const each of again) if (each.expires) each.known = false;
    const unacknowledged = this.receipts.slice(this.pubacks.length).filter(({ known }) => known);
    this.#awaited = [...again.filter(({ known }) => known), ...unacknowledged];
    for (const each of this.#awaited.splice(this.capacity)) each.known = false;
    if (!sessionPresent) for (const each of this.deliveries) each.known = false;
    this.receipts = [];
    this.pubacks.length = 0;
  }

  check(): void {
    for (const [i, [packetId, reasonCode]] of this.pubacks.entries()) {
      const receipt = this.receipts[i];
      assert.equal(receipt?.packetId, packetId, 'in order of receipt');
      assert.equal(receipt?.reasonCode, reasonCode, 'with the reason it was settled with');
      receipt.known = false;
    }
    const front = this.receipts[this.pubacks.length];
    assert.equal(front?.reasonCode, undefined, 'whatever can leave has left');
    assert.equal(this.inflight.unacknowledged, this.receipts.length - this.pubacks.length);
    assert.equal(this.inflight.pending, this.open.length);
    assert.equal(this.inflight.full, this.open.length >= this.capacity);
  }
}

function act(random: Random, model: Model): void {
  const { open } = model;
  const action = random.below(20);
  if (action < 10) {
    model.receive(random.between(1, 8), random.chance(0.3), random.chance(0.3));
  } else if (action < 17) {
    if (open.length > 0) model.settle(random.pick(open), random.pick([0, 0x83]));
  } else if (action === 17) {
    if (open.length > 0) model.abandon(random.pick(open));
  } else model.disconnect(random.chance(0.6));
}

t.test('random actions on eight packet identifiers agree with a model of lists', (t) =>
  forSeeds(t, 2_000, (random) => {
    const model = new Model(random.between(1, 5));
    for (let i = 0; i < 100; i++) {
      act(random, model);
      model.check();
    }
  }),
);
