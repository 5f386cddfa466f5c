import assert from 'node:assert/strict';
import t from 'tap';
import { Backlog, BLOCK_BYTES } from '../../../src/mqtt/dial/backlog.js';
import { forSeeds } from '../../support/random.js';

/** What one read of the network brings at most, and still comes after a pause. */
const READ_BYTES_MAX = 65_536;
/** A reader's memory that the bytes never fill in a round number. */
const ROOM_BYTES = 1_000;

interface Reader {
  readonly backlog: Backlog;
  /** Puts bytes where the backlog asks for them, as node:tls does: as many at a time as there is room for. */
  readonly decrypt: (bytes: Uint8Array) => void;
  /** All that the reader was given, in order. */
  readonly read: () => Buffer;
  /** How often it was given some. */
  readonly reads: () => number;
  /** The memory that was asked for and is not the reader's. */
  readonly blocks: ReadonlySet<ArrayBufferLike>;
  onBytes: () => void;
}

function reader(): Reader {
  const room = new Uint8Array(ROOM_BYTES);
  const read: Buffer[] = [];
  const blocks = new Set<ArrayBufferLike>();
  const backlog = new Backlog({
    nextBuffer: () => room,
    onBytes: (bytes) => {
      read.push(Buffer.from(room.subarray(0, bytes)));
      made.onBytes();
    },
  });
  let next = backlog.nextBuffer();
  const made: Reader = {
    backlog,
    decrypt: (bytes) => {
      for (let at = 0; at < bytes.length; ) {
        const part = bytes.subarray(at, at + next.length);
        next.set(part);
        at += part.length;
        backlog.onBytes(part.length);
        next = backlog.nextBuffer();
        if (next !== room) blocks.add(next.buffer);
      }
    },
    read: () => Buffer.concat(read),
    reads: () => read.length,
    blocks,
    onBytes: () => {},
  };
  return made;
}

function memoryBytes(blocks: ReadonlySet<ArrayBufferLike>): number {
  return [...blocks].reduce((sum, { byteLength }) => sum + byteLength, 0);
}

for (const recordBytes of [1, 50, 4_000, BLOCK_BYTES]) {
  t.test(`records of ${recordBytes} bytes wait in one block more than they fill`, async (t) => {
    const { backlog, decrypt, read, reads, blocks } = reader();
    // The first was asked for before the pause, and is the reader's own.
    decrypt(Uint8Array.of(1));
    backlog.pause();
    decrypt(Uint8Array.of(2));
    const sent = [Buffer.of(1, 2)];
    for (let waiting = 0; waiting + recordBytes <= READ_BYTES_MAX; waiting += recordBytes) {
      const record = Buffer.alloc(recordBytes, waiting / recordBytes);
      decrypt(record);
      sent.push(record);
    }
    t.ok(memoryBytes(blocks) <= READ_BYTES_MAX + BLOCK_BYTES, `${memoryBytes(blocks)} bytes`);
    const before = reads();
    t.ok(backlog.resume(), 'nothing is left');
    const readsOfBlock = Math.ceil(BLOCK_BYTES / ROOM_BYTES);
    t.ok(reads() - before <= blocks.size * readsOfBlock, 'the records are joined again');
    t.ok(Buffer.concat(sent).equals(read()), 'what was read is what was sent');
  });
}

t.test('pauses one after the other wait in the same block', async (t) => {
  const { backlog, decrypt, read, blocks } = reader();
  const sent: Buffer[] = [];
  for (let n = 0; n < 100; n++) {
    backlog.pause();
    const waiting = Buffer.alloc(BLOCK_BYTES / 2, n);
    decrypt(waiting);
    t.ok(backlog.resume());
    // Goes where it was to wait, and is handed on at once.
    const wanted = Buffer.alloc(10, n + 100);
    decrypt(wanted);
    sent.push(waiting, wanted);
  }
  t.ok(Buffer.concat(sent).equals(read()), 'what was read is what was sent');
  t.equal(blocks.size, 1);
});

t.test('whatever the records and the pauses, every byte comes once and in order', (t) =>
  forSeeds(t, 50, (random) => {
    const made = reader();
    const { backlog, decrypt, read } = made;
    made.onBytes = () => {
      if (random.chance(0.3)) backlog.pause();
    };
    const sent: Buffer[] = [];
    for (let n = 0; n < 60; n++) {
      if (random.chance(0.5)) backlog.resume();
      const record = random.bytes(random.between(1, random.chance(0.1) ? BLOCK_BYTES : 500));
      sent.push(record);
      decrypt(record);
    }
    while (!backlog.resume());
    assert.ok(Buffer.concat(sent).equals(read()), 'what was read is what was sent');
  }),
);
