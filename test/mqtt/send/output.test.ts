import assert from 'node:assert/strict';
import t from 'tap';
import { Output } from '../../../src/mqtt/send/output.js';
import { forSeeds } from '../../support/random.js';

/** A socket that keeps what it was given by reference, as node:net does, until it is sent. */
class Wire {
  readonly output = new Output(
    (bytes) => this.#pending.push(bytes),
    () => this.unsent,
  );
  readonly #pending: Uint8Array[] = [];
  readonly #received: Buffer[] = [];

  get unsent(): number {
    return this.#pending.reduce((sum, { length }) => sum + length, 0);
  }

  get received(): Buffer {
    return Buffer.concat(this.#received);
  }

  /** The kernel takes the first writes. */
  take(writes = this.#pending.length): void {
    for (const bytes of this.#pending.splice(0, writes)) this.#received.push(Buffer.from(bytes));
  }

  put(bytes: Uint8Array): void {
    const at = this.output.reserve(bytes.length);
    this.output.bytes.set(bytes, at);
    this.output.commit(at + bytes.length);
  }
}

t.test('what is put is written at once, in order, by a flush', async (t) => {
  const writes: string[] = [];
  const output = new Output(
    (bytes) => writes.push(Buffer.from(bytes).toString()),
    () => 0,
  );
  for (const text of ['one ', 'two ', 'three']) {
    const at = output.reserve(text.length);
    output.commit(at + Buffer.from(output.bytes.buffer).write(text, at));
  }
  t.strictSame(writes, []);
  t.equal(output.waitingBytes, 13);
  output.flush();
  output.flush();
  t.strictSame(writes, ['one two three']);
  output.write(Buffer.from('four'));
  t.strictSame(writes, ['one two three', 'four']);
});

t.test('whatever is put and sent in whatever pieces arrives as it was put', (t) =>
  forSeeds(t, 60, (random) => {
    const wire = new Wire();
    const expected: Buffer[] = [];
    for (let step = 0; step < 120; step++) {
      const action = random.below(10);
      if (action < 6) {
        const large = random.chance(0.05);
        const bytes = random.bytes(large ? 300_000 : random.between(1, 20_000));
        expected.push(bytes);
        wire.put(bytes);
      } else if (action === 6) {
        const bytes = random.bytes(random.between(1, 50));
        expected.push(bytes);
        wire.output.write(bytes);
      } else if (action === 7) wire.output.flush();
      else wire.take(random.below(4));
    }
    wire.output.flush();
    wire.take();
    assert.ok(wire.received.equals(Buffer.concat(expected)));
    assert.equal(wire.output.waitingBytes, 0);
  }),
);

t.test('small writes to a socket that takes nothing share a chunk', async (t) => {
  const wire = new Wire();
  const chunks = new Set<ArrayBufferLike>();
  for (let i = 0; i < 1_000; i++) {
    wire.put(Buffer.alloc(100, i));
    chunks.add(wire.output.bytes.buffer);
    wire.output.flush();
  }
  t.equal(chunks.size, 1);
});

t.test('chunks are used again when they are sent', async (t) => {
  const wire = new Wire();
  const chunks = new Set<ArrayBufferLike>();
  for (let i = 0; i < 500; i++) {
    wire.put(Buffer.alloc(50_000, i));
    chunks.add(wire.output.bytes.buffer);
    if (i % 6 === 5) wire.take();
  }
  t.ok(chunks.size <= 5, `${chunks.size} chunks`);
});

t.test('memory is borrowed until all of it is sent', async (t) => {
  const wire = new Wire();
  wire.put(Buffer.from('head'));
  wire.output.borrow(Buffer.from('payload'));
  wire.put(Buffer.from('next'));
  wire.output.flush();
  t.ok(wire.output.borrowing);
  wire.take(1);
  t.ok(wire.output.borrowing);
  wire.take(1);
  t.notOk(wire.output.borrowing);
});
