import t from 'tap';
import { HEAD_WORD, RING_DATA_BYTES, TAIL_WORD } from '../../src/channel/ring-layout.js';
import { DELIVERED } from '../../src/channel/settlement-ring.js';
import {
  FRAME_RING_BYTES,
  SHARD_OUTSTANDING_BYTES_MAX,
  SHARD_OUTSTANDING_RECORDS_MAX,
} from '../../src/config/limits.js';
import { Shard } from '../../src/shard/shard.js';

function createShard(sessions = 1) {
  const settled: number[] = [];
  // Delivery n is session n's, as far as there are sessions.
  const sessionIndex = Uint16Array.from({ length: 100 }, (_, id) => (id < sessions ? id : 0));
  const shard = new Shard({
    index: 0,
    sessions,
    sessionIndex,
    bell: { ring: () => {} },
    onSettled: (deliveryId) => settled.push(deliveryId),
  });
  shard.ready = true;
  return { shard, settled };
}

/** Settles one delivery as the worker does. */
function settle(shard: Shard, deliveryId: number, frameBytes: number): void {
  const control = new Int32Array(shard.settlementsMemory, 0, RING_DATA_BYTES / 4);
  const entries = new Int32Array(shard.settlementsMemory, RING_DATA_BYTES);
  const head = Atomics.load(control, HEAD_WORD);
  entries[head / 4] = deliveryId;
  entries[head / 4 + 1] = ((frameBytes / 8) << 4) | DELIVERED;
  Atomics.store(control, HEAD_WORD, head + 8);
}

t.test('a shard takes nothing while no worker reads', async (t) => {
  const { shard } = createShard();
  shard.ready = false;
  t.equal(shard.reserve(0, 64), -1);
  t.notOk(shard.hasRoom(0, 1, 64));
  t.notOk(shard.control({ kind: 'barrier', loss: 0 }));
});

t.test(
  'records and bytes that are not settled are bounded, and settling gives them back',
  async (t) => {
    const { shard, settled } = createShard();
    shard.commit(0, 64);
    t.equal(shard.outstandingRecords, 1);
    t.equal(shard.outstandingBytes, 64);
    settle(shard, 9, 64);
    t.equal(shard.readSettlements(), 1);
    t.strictSame(settled, [9]);
    t.equal(shard.outstandingRecords, 0);
    t.equal(shard.outstandingBytes, 0);
  },
);

t.test('without credit in bytes nothing is reserved', async (t) => {
  const { shard } = createShard();
  // The ring is emptied by a worker; the credit stays until the records are settled.
  const chunk = FRAME_RING_BYTES / 4;
  for (let i = 0; i < SHARD_OUTSTANDING_BYTES_MAX / chunk; i++) shard.commit(0, chunk);
  t.equal(shard.reserve(0, 8), -1);
  t.notOk(shard.hasRoom(0, 1, 8));
  shard.credit(0, chunk);
  t.equal(shard.outstandingBytes, SHARD_OUTSTANDING_BYTES_MAX - chunk);
});

t.test('without credit in records nothing is reserved', async (t) => {
  const { shard } = createShard();
  for (let i = 0; i < SHARD_OUTSTANDING_RECORDS_MAX - 1; i++) shard.commit(0, 0);
  t.ok(shard.hasRoom(0, 1, 64));
  t.notOk(shard.hasRoom(0, 2, 64));
  shard.commit(0, 0);
  t.equal(shard.reserve(0, 64), -1);
  shard.credit(0, 0);
  t.equal(shard.reserve(0, 64), 0);
});

/** Takes all that one session may have, in frames of this length. */
function fill(shard: Shard, session: number, frameBytes: number): number {
  let frames = 0;
  for (; shard.hasRoom(session, 1, frameBytes); frames++) {
    shard.commit(session, frameBytes);
    // The worker reads on; it settles nothing.
    const control = new Int32Array(shard.framesMemory, 0, RING_DATA_BYTES / 4);
    shard.publish();
    Atomics.store(control, TAIL_WORD, Atomics.load(control, HEAD_WORD));
  }
  return frames;
}

t.test('what a session holds, in bytes or in records, leaves room for another', async (t) => {
  for (const [frameBytes, bound] of [
    [FRAME_RING_BYTES / 4, SHARD_OUTSTANDING_BYTES_MAX / (FRAME_RING_BYTES / 4)],
    [64, SHARD_OUTSTANDING_RECORDS_MAX],
  ] as const) {
    const { shard } = createShard(2);
    t.equal(fill(shard, 0, frameBytes), bound / 2);
    t.equal(
      fill(shard, 1, frameBytes),
      (bound * 3) / 8,
      'its own quarter, and half of what is left',
    );
    t.equal(shard.reserve(0, frameBytes), -1);
    settle(shard, 1, frameBytes);
    shard.readSettlements();
    t.equal(fill(shard, 0, frameBytes), 0, 'what comes back is its taker’s');
    t.equal(fill(shard, 1, frameBytes), 1);
  }
});

t.test('after its worker has ended a shard has other memory and all of its credit', async (t) => {
  const { shard } = createShard();
  const { framesMemory, settlementsMemory, generation } = shard;
  shard.commit(0, 64);
  settle(shard, 1, 64);
  shard.reset();
  t.not(shard.framesMemory, framesMemory);
  t.not(shard.settlementsMemory, settlementsMemory);
  t.equal(shard.generation, generation + 1);
  t.equal(shard.outstandingRecords, 0);
  t.equal(shard.outstandingBytes, 0);
  t.equal(shard.readSettlements(), 0, 'what the dead worker left to say is not heard');
  t.notOk(shard.ready);
});
