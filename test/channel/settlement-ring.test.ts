import assert from 'node:assert/strict';
import t from 'tap';
import {
  createRingMemory,
  HEAD_WORD,
  RING_DATA_BYTES,
  TAIL_WORD,
  WAITING_WORD,
} from '../../src/channel/ring-layout.js';
import {
  ABANDONED,
  DELIVERED,
  EXPIRED,
  type Settlement,
  SettlementRing,
} from '../../src/channel/settlement-ring.js';
import { forSeeds } from '../support/random.js';

type Entry = readonly [deliveryId: number, frameBytes: number, settlement: Settlement];

/** The other side: writes settlements as src/native/ring.h has it. */
class Writer {
  readonly #control: Int32Array;
  readonly #entries: Int32Array;
  readonly #capacity: number;
  #head = 0;

  constructor(memory: SharedArrayBuffer) {
    this.#control = new Int32Array(memory, 0, RING_DATA_BYTES / 4);
    this.#entries = new Int32Array(memory, RING_DATA_BYTES);
    this.#capacity = memory.byteLength - RING_DATA_BYTES;
  }

  startAt(position: number): void {
    this.#head = position >>> 0;
    Atomics.store(this.#control, HEAD_WORD, position | 0);
    Atomics.store(this.#control, TAIL_WORD, position | 0);
  }

  get waiting(): boolean {
    return Atomics.load(this.#control, WAITING_WORD) === 1;
  }

  get tail(): number {
    return Atomics.load(this.#control, TAIL_WORD) >>> 0;
  }

  get room(): number {
    return this.#capacity - ((this.#head - this.tail) >>> 0);
  }

  write([deliveryId, frameBytes, settlement]: Entry): boolean {
    if (this.room < 8) return false;
    const at = (this.#head % this.#capacity) / 4;
    this.#entries[at] = deliveryId;
    this.#entries[at + 1] = ((frameBytes / 8) << 4) | settlement;
    this.#head = (this.#head + 8) >>> 0;
    Atomics.store(this.#control, HEAD_WORD, this.#head | 0);
    return true;
  }
}

function createRing(capacityBytes: number, startAt = 0) {
  const memory = createRingMemory(capacityBytes);
  const writer = new Writer(memory);
  writer.startAt(startAt);
  const settled: Entry[] = [];
  const ring = new SettlementRing(memory, (...entry) => settled.push(entry));
  return { ring, writer, settled };
}

t.test('what is settled is told in order, with the size of its frame', async (t) => {
  const { ring, writer, settled } = createRing(64);
  const entries: Entry[] = [
    [0, 48, DELIVERED],
    [0xffff_fffe, 2 ** 21, ABANDONED],
    [7, 8, EXPIRED],
  ];
  for (const entry of entries) writer.write(entry);
  t.equal(ring.readAll(), 3);
  t.strictSame(settled, entries);
  t.equal(ring.readAll(), 0);
  t.strictSame(settled, entries);
});

t.test('the writer has its room back, and is asked to wake us', async (t) => {
  const { ring, writer } = createRing(64);
  t.ok(writer.waiting, 'from the start');
  for (let i = 0; i < 8; i++) t.ok(writer.write([i, 8, DELIVERED]));
  t.notOk(writer.write([9, 8, DELIVERED]));
  ring.readAll();
  t.ok(writer.waiting);
  t.equal(writer.room, 64);
});

t.test('what is written while it is read is told too', async (t) => {
  const memory = createRingMemory(64);
  const writer = new Writer(memory);
  const settled: number[] = [];
  const ring = new SettlementRing(memory, (deliveryId) => {
    settled.push(deliveryId);
    if (deliveryId < 5) writer.write([deliveryId + 1, 8, DELIVERED]);
  });
  writer.write([1, 8, DELIVERED]);
  t.equal(ring.readAll(), 5);
  t.strictSame(settled, [1, 2, 3, 4, 5]);
});

t.test('random traffic through a tiny ring arrives in order, past 2^32 too', (t) =>
  forSeeds(t, 1_000, (random) => {
    const startAt = random.chance(0.5) ? 2 ** 32 - 8 * random.below(40) : 8 * random.below(40);
    const { ring, writer, settled } = createRing(2 ** random.between(6, 8), startAt);
    const written: Entry[] = [];
    for (let i = 0; i < 200; i++) {
      const entry: Entry = [random.below(2 ** 32), 8 * random.below(2 ** 18), DELIVERED];
      if (writer.write(entry)) written.push(entry);
      if (random.chance(0.2)) ring.readAll();
    }
    ring.readAll();
    assert.deepEqual(settled, written);
    assert.ok(written.length > 50);
  }),
);
