import assert from 'node:assert/strict';
import t from 'tap';
import {
  RECORD_HEADER_BYTES,
  type ReadRecord,
  readRecord,
} from '../../src/channel/record-frame.js';
import { RecordRing } from '../../src/channel/record-ring.js';
import { createRingMemory, HEAD_WORD } from '../../src/channel/ring-layout.js';
import { forSeeds, type Random } from '../support/random.js';
import {
  RecordRingWriter,
  type RecordSpec,
  recordBodyOf,
  recordFrameOf,
} from '../support/record-frames.js';

function createRing(capacityBytes: number, startAt = 0, largeBytes = 0) {
  const memory = createRingMemory(capacityBytes);
  const writer = new RecordRingWriter(memory, startAt);
  const large = new SharedArrayBuffer(largeBytes);
  const state = { rings: 0 };
  const ring = new RecordRing(memory, large, () => state.rings++);
  const write = (spec: RecordSpec) => {
    const written = writer.write(recordFrameOf(spec));
    writer.publish();
    return written;
  };
  return { memory, ring, writer, write, large: new Uint8Array(large), state };
}

/** What the cursor says of its record, by its accessors. */
function byCursor(ring: RecordRing): ReadRecord {
  const { body, keyStart, headersStart, payloadStart } = ring;
  const hasValue = ring.hasValue && !ring.oversize;
  return {
    partition: ring.partition,
    offset: ring.offset,
    timestampMs: ring.timestampMs,
    key: ring.hasKey ? body.slice(keyStart, keyStart + ring.keyBytes) : null,
    headers: readRecord(ring.frame, ring.large).headers,
    value: hasValue ? body.slice(payloadStart, payloadStart + ring.payloadBytes) : null,
    oversizeBytes: ring.oversize ? ring.payloadBytes : undefined,
    ...(payloadStart - headersStart === ring.headersBytes ? {} : { headers: [] }),
  };
}

t.test('a record is read by the cursor as it was written', async (t) => {
  const { ring, write, large } = createRing(8192, 0, 256);
  const bytes = new Uint8Array([0, 255, 128]);
  const specs: readonly RecordSpec[] = [
    { value: 'plain' },
    { value: '' },
    { value: null, key: 'tombstone' },
    { key: '', value: 'an empty key is a key' },
    { key: bytes, value: bytes, partition: 2 ** 20 - 1, offset: 2 ** 53 - 1, timestampMs: 0 },
    { value: 'x', offset: 2 ** 32, timestampMs: 2 ** 41 + 7 },
    {
      value: 'x',
      headers: [
        ['a', 'b'],
        ['a', null],
        ['', ''],
        ['bytes', bytes],
      ],
    },
  ];
  for (const spec of specs) write(spec);
  const inLarge: RecordSpec = { key: 'k', headers: [['n', 'v']], value: 'large', largeStart: 16 };
  large.set(recordBodyOf(inLarge), 16);
  write(inLarge);
  write({ oversizeBytes: 4_000_000_000 });
  for (const spec of [...specs, inLarge]) {
    t.ok(ring.next());
    const expected = expectedOf(spec);
    t.strictSame(plain(byCursor(ring)), expected);
    t.strictSame(plain(readRecord(ring.frame, ring.large)), expected);
    t.equal(ring.headerCount, spec.headers?.length ?? 0);
  }
  t.ok(ring.next());
  t.equal(ring.oversize, true);
  t.strictSame(plain(readRecord(ring.frame, ring.large)), {
    ...expectedOf({ value: null }),
    oversizeBytes: 4_000_000_000,
  });
  t.notOk(ring.next());
});

function expectedOf(spec: RecordSpec): object {
  const hex = (bytes: string | Uint8Array | null | undefined) =>
    bytes === null || bytes === undefined ? null : Buffer.from(bytes).toString('hex');
  return {
    partition: spec.partition ?? 0,
    offset: spec.offset ?? 0,
    timestampMs: spec.timestampMs ?? -1,
    key: hex(spec.key),
    headers: (spec.headers ?? []).map(([name, value]) => [name, hex(value)]),
    value: hex(spec.value),
    oversizeBytes: undefined,
  };
}

function plain(record: ReadRecord): object {
  const hex = (bytes: Uint8Array | null) =>
    bytes === null ? null : Buffer.from(bytes).toString('hex');
  const headers = record.headers.map(([name, value]) => [name, hex(value)]);
  return { ...record, key: hex(record.key), headers, value: hex(record.value) };
}

t.test('a reader without records asks to be rung, and no longer when it has some', async (t) => {
  const { ring, writer, write } = createRing(512);
  t.notOk(ring.next());
  t.ok(writer.readerWaits);
  write({ value: 'a' });
  t.ok(ring.next());
  t.notOk(writer.readerWaits);
  t.notOk(ring.next());
  t.ok(writer.readerWaits);
});

t.test('releases come in any order, and room comes back in that of the records', async (t) => {
  const { ring, writer, write } = createRing(1024);
  const positions = [0, 1, 2, 3].map((offset) => {
    write({ offset });
    ring.next();
    return ring.position;
  });
  const [first, second, third, fourth] = positions as [number, number, number, number];
  const frameBytes = ring.frameBytes;
  ring.release(third);
  ring.release(second);
  t.equal(writer.takenBytes, 4 * frameBytes);
  t.equal(ring.heldBytes, 4 * frameBytes);
  ring.at(fourth);
  t.equal(ring.offset, 3, 'a release leaves the cursor alone');
  ring.release(first);
  t.equal(ring.offset, 3);
  t.equal(writer.takenBytes, frameBytes);
  ring.release(fourth);
  t.equal(writer.takenBytes, 0);
});

t.test('a record that is held is looked at again where it lies', async (t) => {
  const { ring, write } = createRing(1024);
  write({ offset: 1, value: 'first' });
  write({ offset: 2, value: 'second' });
  ring.next();
  const first = ring.position;
  ring.next();
  ring.at(first);
  t.equal(ring.offset, 1);
  t.notOk(ring.next());
});

t.test('only a record that was read and not released has a position', async (t) => {
  const { ring, write } = createRing(1024);
  t.throws(() => ring.at(0), /from when it is read/);
  write({ value: 'a' });
  t.throws(() => ring.release(0), /from when it is read/);
  write({ value: 'b' });
  ring.next();
  const first = ring.position;
  ring.next();
  const second = ring.position;
  ring.release(second);
  t.throws(() => ring.release(second), /once/);
  t.throws(() => ring.at(second), /once/);
  ring.release(first);
  t.throws(() => ring.at(first), /from when it is read/);
});

t.test('a blocked writer is rung once for the releases that make room', async (t) => {
  const { ring, writer, write, state } = createRing(512);
  const positions: number[] = [];
  while (write({ value: 'x'.repeat(64) })) {
    ring.next();
    positions.push(ring.position);
  }
  writer.block();
  ring.release(positions[1] as number);
  ring.wakeWriter();
  t.equal(state.rings, 0, 'there is no room yet');
  ring.release(positions[0] as number);
  ring.release(positions[2] as number);
  t.equal(state.rings, 0, 'a batch may go on');
  ring.wakeWriter();
  t.equal(state.rings, 1);
  ring.release(positions[3] as number);
  ring.wakeWriter();
  t.equal(state.rings, 1, 'it has not asked again');
  writer.block();
  ring.wakeWriter();
  t.equal(state.rings, 1, 'there is no more room than it was told of');
});

t.test('what the worker wrote is held against the bounds of the ring', async (t) => {
  const lying = (change: (words: Int32Array, control: Int32Array) => void) => {
    const { memory, ring, write } = createRing(512);
    write({ value: 'a' });
    change(new Int32Array(memory, 192), new Int32Array(memory));
    return () => ring.next();
  };
  t.throws(
    lying((words) => (words[0] = 56)),
    /length of one/,
  );
  t.throws(
    lying((words) => (words[0] = 68)),
    /length of one/,
  );
  t.throws(
    lying((words) => (words[0] = 80)),
    /has shown/,
  );
  t.throws(
    lying((words) => (words[0] = -8)),
    /has shown/,
  );
  t.throws(
    lying((words) => (words[1] = 3)),
    /that of a record/,
  );
  t.throws(
    lying((words) => (words[1] = 2)),
    /follows what is skipped/,
  );
  t.throws(
    lying((_, control) => (control[HEAD_WORD] = 520)),
    /where there is room/,
  );
});

interface Held {
  readonly offset: number;
  readonly position: number;
  readonly value: string;
}

/** The ring under random traffic beside two plain lists: what is not read, and what is held. */
function play(random: Random): void {
  const startAt = random.chance(0.5) ? 2 ** 32 - 8 * random.below(200) : 8 * random.below(200);
  const { ring, writer, state } = createRing(512, startAt >>> 0);
  const unread: { offset: number; value: string }[] = [];
  const held: Held[] = [];
  let published = 0;
  let blocked = false;
  let moved = false;
  for (let offset = 0; offset < 300; offset++) {
    const value = random.bytes(random.below(256 - RECORD_HEADER_BYTES)).toString('hex');
    const frame = recordFrameOf({ offset, value: Buffer.from(value, 'hex') });
    if (writer.write(frame)) {
      unread.push({ offset, value });
    } else {
      assert.ok(unread.length + held.length > 0, 'an empty ring takes any frame');
      writer.block();
      blocked = true;
    }
    if (random.chance(0.5)) {
      writer.publish();
      published = unread.length;
    }
    for (let reads = random.below(3); reads > 0; reads--) {
      assert.equal(ring.next(), published > 0);
      if (published === 0) continue;
      published--;
      const expected = unread.shift();
      assert.deepEqual({ offset: ring.offset, value: payloadOf(ring) }, expected);
      held.push({ offset: ring.offset, position: ring.position, value: payloadOf(ring) });
    }
    for (let looks = random.below(4); looks > 0 && held.length > 0; looks--) {
      const index = random.chance(0.5) ? 0 : random.below(held.length);
      const { position, ...record } = held[index] as Held;
      ring.at(position);
      assert.deepEqual({ offset: ring.offset, value: payloadOf(ring) }, record);
      if (random.chance(0.3)) continue;
      ring.release(position);
      held.splice(index, 1);
      if (index === 0) moved = true;
    }
    if (random.chance(0.5)) {
      const rings = state.rings;
      ring.wakeWriter();
      assert.equal(state.rings - rings, blocked && moved ? 1 : 0, 'rung when tail moved');
      if (moved) blocked = false;
      moved = false;
    }
    assert.ok(writer.takenBytes <= 512);
    if (held.length === 0 && unread.length === 0) assert.equal(writer.takenBytes, 0);
  }
}

function payloadOf(ring: RecordRing): string {
  const { body, payloadStart, payloadBytes } = ring;
  return Buffer.from(body.slice(payloadStart, payloadStart + payloadBytes)).toString('hex');
}

t.test('a ring of 512 bytes does as two lists do, past 2^32 too', (t) => forSeeds(t, 1_000, play));
