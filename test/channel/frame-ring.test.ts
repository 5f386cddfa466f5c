import assert from 'node:assert/strict';
import t from 'tap';
import {
  FRAME_BYTES,
  FRAME_HEADER_BYTES,
  FRAME_KIND,
  FRAME_PAYLOAD_BYTES,
  FRAME_PAYLOAD_OFFSET,
  KIND_CONTROL,
  KIND_RECORD,
  KIND_SKIP,
} from '../../src/channel/frame.js';
import { FrameRing, type MayWake } from '../../src/channel/frame-ring.js';
import {
  createRingMemory,
  HEAD_WORD,
  RING_DATA_BYTES,
  TAIL_WORD,
  WAITING_WORD,
} from '../../src/channel/ring-layout.js';
import { forSeeds } from '../support/random.js';

/** The other side: reads frames as src/native/ring.h has it. */
class Reader {
  readonly #control: Int32Array;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;

  constructor(memory: SharedArrayBuffer) {
    this.#control = new Int32Array(memory, 0, RING_DATA_BYTES / 4);
    this.#words = new Int32Array(memory, RING_DATA_BYTES);
    this.#bytes = new Uint8Array(memory, RING_DATA_BYTES);
    this.#capacity = memory.byteLength - RING_DATA_BYTES;
  }

  /** Where head and tail are before anything is written: what 4 GiB of records lead up to. */
  startAt(position: number): void {
    Atomics.store(this.#control, HEAD_WORD, position | 0);
    Atomics.store(this.#control, TAIL_WORD, position | 0);
  }

  wait(): void {
    Atomics.store(this.#control, WAITING_WORD, 1);
  }

  get visible(): number {
    return (this.#word(HEAD_WORD) - this.#word(TAIL_WORD)) >>> 0;
  }

  /** Takes the next frame; undefined when none is visible. */
  read(): { readonly kind: number; readonly content: Buffer } | undefined {
    for (;;) {
      if (this.visible === 0) return undefined;
      const offset = this.#word(TAIL_WORD) & (this.#capacity - 1);
      const toEnd = this.#capacity - offset;
      const [frameBytes, kind] = this.#header(offset, toEnd);
      assert.ok(frameBytes <= toEnd, 'no frame straddles the end');
      assert.ok(frameBytes <= this.visible, 'no frame is visible in part');
      const content = this.#content(offset);
      this.#release(frameBytes);
      if (kind !== KIND_SKIP) return { kind, content };
    }
  }

  #header(offset: number, toEnd: number): [frameBytes: number, kind: number] {
    if (toEnd < FRAME_HEADER_BYTES) return [toEnd, KIND_SKIP];
    const at = offset / 4;
    return [this.#words[at + FRAME_BYTES] as number, this.#words[at + FRAME_KIND] as number];
  }

  #content(offset: number): Buffer {
    const start = offset + (this.#words[offset / 4 + FRAME_PAYLOAD_OFFSET] as number);
    const bytes = this.#words[offset / 4 + FRAME_PAYLOAD_BYTES] as number;
    return Buffer.from(this.#bytes.slice(start, start + bytes));
  }

  #release(bytes: number): void {
    Atomics.store(this.#control, TAIL_WORD, (this.#word(TAIL_WORD) + bytes) | 0);
  }

  #word(index: number): number {
    return Atomics.load(this.#control, index) >>> 0;
  }
}

function createRing(capacityBytes: number, startAt = 0, mayWake?: MayWake) {
  const memory = createRingMemory(capacityBytes);
  const reader = new Reader(memory);
  reader.startAt(startAt);
  const state = { rings: 0 };
  const ring = new FrameRing(memory, () => state.rings++, mayWake);
  return { ring, reader, state };
}

/** Writes a record with this content, as route/to-kafka.ts would. False without room. */
function writeRecord(ring: FrameRing, content: Uint8Array, spareBytes = 0): boolean {
  const frameBytes = (FRAME_HEADER_BYTES + content.length + 7) & ~7;
  const offset = ring.reserve(frameBytes + spareBytes);
  if (offset < 0) return false;
  const word = offset / 4;
  ring.words[word + FRAME_BYTES] = frameBytes;
  ring.words[word + FRAME_KIND] = KIND_RECORD;
  ring.words[word + FRAME_PAYLOAD_OFFSET] = FRAME_HEADER_BYTES;
  ring.words[word + FRAME_PAYLOAD_BYTES] = content.length;
  ring.bytes.set(content, offset + FRAME_HEADER_BYTES);
  ring.commit(frameBytes);
  return true;
}

t.test('nothing is visible before it is published, and then all of it', async (t) => {
  const { ring, reader } = createRing(1024);
  writeRecord(ring, Buffer.from('a'));
  writeRecord(ring, Buffer.from('b'));
  t.equal(reader.read(), undefined);
  ring.publish();
  t.equal(reader.read()?.content.toString(), 'a');
  t.equal(reader.read()?.content.toString(), 'b');
  t.equal(reader.read(), undefined);
});

t.test('the doorbell rings once for a reader that waits, and only for news', async (t) => {
  const { ring, reader, state } = createRing(1024);
  writeRecord(ring, Buffer.from('a'));
  ring.publish();
  t.equal(state.rings, 0, 'nobody waits');
  reader.wait();
  ring.publish();
  t.equal(state.rings, 0, 'nothing is new');
  writeRecord(ring, Buffer.from('b'));
  ring.publish();
  writeRecord(ring, Buffer.from('c'));
  ring.publish();
  t.equal(state.rings, 1);
});

t.test('a ring that is put off comes later, unless the reader has woken by itself', async (t) => {
  const later: (() => void)[] = [];
  const { ring, reader, state } = createRing(1024, 0, (askAgain) => {
    later.push(askAgain);
    return later.length > 1;
  });
  reader.wait();
  writeRecord(ring, Buffer.from('a'));
  ring.publish();
  t.equal(state.rings, 0);
  t.equal(reader.read()?.content.toString(), 'a', 'it is visible all the same');
  later[0]?.();
  t.equal(state.rings, 1, 'the reader still waits, so it is rung');
  later[0]?.();
  t.equal(state.rings, 1, 'it was told so and does not wait any more');
});

t.test('a reservation takes nothing until it is committed', async (t) => {
  const { ring } = createRing(256);
  for (let i = 0; i < 10; i++) t.equal(ring.reserve(128), 0);
});

t.test('a full ring says so, and has room again for what the reader releases', async (t) => {
  const { ring, reader } = createRing(256);
  t.ok(writeRecord(ring, Buffer.alloc(64)));
  t.ok(writeRecord(ring, Buffer.alloc(64)));
  t.notOk(writeRecord(ring, Buffer.alloc(64)));
  ring.publish();
  reader.read();
  t.ok(writeRecord(ring, Buffer.alloc(64)));
});

t.test('a frame of more than half of the ring is a mistake of the caller', async (t) => {
  const { ring } = createRing(256);
  t.equal(ring.reserve(128), 0);
  t.throws(() => ring.reserve(136), /half of its ring/);
});

t.test('room for several frames holds wherever the end lies among them', (t) =>
  forSeeds(t, 500, (random) => {
    const { ring, reader } = createRing(1024);
    for (let i = random.below(30); i > 0; i--) {
      writeRecord(ring, random.bytes(random.below(100)));
      ring.publish();
      if (random.chance(0.8)) reader.read();
    }
    const sizes = Array.from({ length: random.between(1, 5) }, () => random.below(60));
    const total = sizes.reduce((sum, size) => sum + ((FRAME_HEADER_BYTES + size + 7) & ~7), 0);
    if (!ring.hasRoom(total)) return;
    for (const size of sizes) assert.ok(writeRecord(ring, random.bytes(size)));
  }),
);

t.test('an empty ring has room for half of itself', async (t) => {
  for (let startAt = 0; startAt < 256; startAt += 8) {
    const { ring } = createRing(256, startAt);
    t.ok(ring.hasRoom(128), `at ${startAt}`);
    t.notOk(ring.hasRoom(136));
  }
});

t.test('a control frame carries its payload in order with the records', async (t) => {
  const { ring, reader } = createRing(1024);
  writeRecord(ring, Buffer.from('before'));
  t.ok(ring.control(Buffer.from('control')));
  writeRecord(ring, Buffer.from('behind'));
  t.equal(reader.read()?.content.toString(), 'before', 'it publishes what was committed');
  const control = reader.read();
  t.equal(control?.kind, KIND_CONTROL);
  t.equal(control?.content.toString(), 'control');
  t.equal(reader.read(), undefined);
  let sent = 0;
  while (ring.control(Buffer.alloc(100))) sent++;
  t.ok(sent < 10, 'and finds no room in a full ring');
});

t.test('random traffic through tiny rings arrives in order, past 2^32 too', (t) =>
  forSeeds(t, 1_000, (random) => {
    const capacity = 2 ** random.between(7, 10);
    const startAt = random.chance(0.5) ? 2 ** 32 - 8 * random.below(200) : 8 * random.below(200);
    const { ring, reader } = createRing(capacity, startAt >>> 0);
    const expected: string[] = [];
    const contentMax = capacity / 2 - FRAME_HEADER_BYTES - 8;
    for (let i = 0; i < 200; i++) {
      const content = random.bytes(random.below(contentMax));
      if (random.chance(0.6)) {
        const spare = random.chance(0.3) ? 8 : 0;
        if (writeRecord(ring, content, spare)) expected.push(content.toString('hex'));
        else assert.ok(expected.length > 0, 'an empty ring takes any frame');
      }
      if (random.chance(0.4)) ring.publish();
      assert.ok(reader.visible <= capacity);
      if (random.chance(0.5)) {
        const frame = reader.read();
        if (frame !== undefined) assert.equal(frame.content.toString('hex'), expected.shift());
      }
      if (expected.length > 0 && random.chance(0.1)) drain(ring, reader, expected);
    }
    drain(ring, reader, expected);
    assert.deepEqual(expected, []);
  }),
);

function drain(ring: FrameRing, reader: Reader, expected: string[]): void {
  ring.publish();
  for (let frame = reader.read(); frame !== undefined; frame = reader.read()) {
    assert.equal(frame.content.toString('hex'), expected.shift());
  }
}

t.test('the memory of a ring is a power of two within bounds', async (t) => {
  t.equal(createRingMemory(64).byteLength, 64 + RING_DATA_BYTES);
  for (const bytes of [0, 32, 63, 100, 2 ** 31]) t.throws(() => createRingMemory(bytes));
});
