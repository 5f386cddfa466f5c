import t from 'tap';
import { HEADER_PART_BYTES_MAX, LARGE_PAYLOAD_BYTES } from '../../../src/config/limits.js';
import { QUOTA_EXCEEDED } from '../../../src/mqtt/reason-code.js';
import type { OversizeSink } from '../../../src/mqtt/receive/oversize.js';
import { encodePublish, pair, parts } from '../../support/publish-packets.js';
import { openConnection, type ScriptedConnection } from '../../support/scripted-connection.js';
import { nextTurn } from '../../support/scripted-socket.js';

/* Payloads over the limit, read piece by piece into a sink that has its own pace. */

class SlowSink implements OversizeSink {
  readonly chunks: Buffer[] = [];
  commits = 0;
  aborts = 0;
  #done: { readonly resolve: () => void; readonly reject: (error: Error) => void } | undefined;

  write(chunk: Uint8Array): Promise<void> {
    this.chunks.push(Buffer.from(chunk));
    return this.#wait();
  }

  commit(): Promise<void> {
    this.commits++;
    return this.#wait();
  }

  abort(): void {
    this.aborts++;
  }

  /** The disk is done with what it was given. */
  async finish(error?: Error): Promise<void> {
    if (error === undefined) this.#done?.resolve();
    else this.#done?.reject(error);
    this.#done = undefined;
    await nextTurn();
  }

  get busy(): boolean {
    return this.#done !== undefined;
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#done = { resolve, reject };
    });
  }
}

const PAYLOAD_BYTES_MAX = 1_000;

function open() {
  const scripted = openConnection({ payloadBytesMax: PAYLOAD_BYTES_MAX });
  const sink = new SlowSink();
  scripted.oversizeSink = sink;
  return { scripted, sink };
}

const publish = (topic: string, bytes: number) =>
  encodePublish(parts({ topic: Buffer.from(topic), payload: Buffer.alloc(bytes, topic) }));

async function finishAll(sink: SlowSink): Promise<void> {
  while (sink.busy) await sink.finish();
}

t.test(
  'of exactly the limit a payload is handed on; with one byte more it goes to the sink',
  async (t) => {
    const { scripted, sink } = open();
    scripted.socket.send(publish('a', PAYLOAD_BYTES_MAX));
    t.strictSame(scripted.topics, ['a']);
    scripted.socket.send(publish('b', PAYLOAD_BYTES_MAX + 1));
    t.strictSame(scripted.topics, ['a']);
    await finishAll(sink);
    t.ok(Buffer.concat(sink.chunks).equals(Buffer.alloc(PAYLOAD_BYTES_MAX + 1, 'b')));
    t.equal(sink.commits, 1);
    t.equal(sink.aborts, 0);
  },
);

t.test('while the sink is at work nothing is read, and then it goes on behind it', async (t) => {
  for (const bytes of [2_000, LARGE_PAYLOAD_BYTES + 500_000]) {
    const { scripted, sink } = open();
    const all = Buffer.concat([publish('a', 10), publish('b', bytes), publish('c', 20)]);
    scripted.socket.send(all.subarray(0, 500), all.subarray(500, 1_500), all.subarray(1_500));
    t.ok(sink.busy);
    t.ok(scripted.socket.paused);
    scripted.connection.resume();
    t.ok(scripted.socket.paused, 'nobody else can have it read on');
    await finishAll(sink);
    t.ok(Buffer.concat(sink.chunks).equals(Buffer.alloc(bytes, 'b')), `${bytes} bytes`);
    t.equal(sink.commits, 1);
    t.strictSame(scripted.topics, ['a', 'c']);
    t.equal(scripted.slab.takenBytes, 0);
    t.notOk(scripted.connection.paused);
  }
});

t.test('what comes behind waits until the payload is on the disk', async (t) => {
  const { scripted, sink } = open();
  scripted.socket.send(Buffer.concat([publish('a', 2_000), publish('b', 10)]));
  await sink.finish();
  t.equal(sink.commits, 1);
  t.strictSame(scripted.topics, []);
  await sink.finish();
  t.strictSame(scripted.topics, ['b']);
});

t.test('without credit for it, it is offered again', async (t) => {
  const { scripted, sink } = open();
  scripted.oversizeSink = undefined;
  scripted.socket.send(publish('a', 2_000));
  t.ok(scripted.connection.paused);
  scripted.connection.resume();
  t.strictSame(sink.chunks, []);
  scripted.oversizeSink = sink;
  scripted.connection.resume();
  await finishAll(sink);
  t.equal(Buffer.concat(sink.chunks).length, 2_000);
});

t.test('a connection that ends in the middle aborts it, once', async (t) => {
  const ends: ((scripted: ScriptedConnection) => void)[] = [
    ({ socket }) => socket.close(),
    ({ connection }) => connection.disconnect(0, 'enough'),
    ({ connection }) => connection.destroy('enough'),
  ];
  for (const end of ends) {
    const { scripted, sink } = open();
    scripted.socket.send(publish('a', 1_500_000).subarray(0, 3_000));
    t.ok(sink.busy);
    end(scripted);
    scripted.socket.close();
    await finishAll(sink);
    t.equal(sink.aborts, 1);
    t.equal(sink.commits, 0);
  }
});

t.test(
  'a connection that ends during the last write aborts it, and nothing is committed',
  async (t) => {
    const { scripted, sink } = open();
    scripted.socket.send(publish('a', 5_000));
    scripted.socket.close();
    await finishAll(sink);
    t.equal(sink.aborts, 1);
    t.equal(sink.commits, 0);
  },
);

t.test('what is being committed when the connection ends stays committed', async (t) => {
  const { scripted, sink } = open();
  scripted.socket.send(publish('a', 5_000));
  await sink.finish();
  t.equal(sink.commits, 1);
  scripted.socket.close();
  await sink.finish();
  t.equal(sink.aborts, 0);
  t.equal(sink.commits, 1);
});

t.test('a commit that fails aborts it', async (t) => {
  const { scripted, sink } = open();
  scripted.socket.send(publish('a', 5_000));
  await sink.finish();
  await sink.finish(new Error('the disk is full'));
  t.equal(sink.aborts, 1);
  t.match(scripted.closed, { reasonCode: QUOTA_EXCEEDED });
});

t.test('a sink that fails ends the connection', async (t) => {
  const { scripted, sink } = open();
  scripted.socket.send(publish('a', 5_000));
  await sink.finish(new Error('the disk is full'));
  t.match(scripted.closed, { reasonCode: QUOTA_EXCEEDED, reason: /the disk is full/ });
  t.equal(sink.commits, 0);
  t.equal(sink.aborts, 1);
});

for (const bytes of [HEADER_PART_BYTES_MAX, 900_000, 1_100_000, 2_500_000]) {
  t.test(
    `a PUBLISH with ${bytes} bytes of properties is kept whole, and nothing of it read`,
    async (t) => {
      const { scripted, sink } = open();
      const count = Math.ceil(bytes / 50_000);
      const properties = Array.from({ length: count }, () => pair('k', Buffer.alloc(50_000, 'v')));
      const packet = encodePublish(parts({ topic: Buffer.from('long'), properties }));
      scripted.socket.send(Buffer.concat([packet, publish('behind', 10)]));
      while (sink.busy) await sink.finish();
      t.ok(Buffer.concat(sink.chunks).equals(packet));
      t.equal(sink.commits, 1);
      t.strictSame(scripted.topics, ['behind']);
      t.strictSame([scripted.left, scripted.closed], [[], undefined]);
      t.equal(scripted.slab.takenBytes, 0);
    },
  );
}
