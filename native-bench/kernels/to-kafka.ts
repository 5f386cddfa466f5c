/* From a PUBLISH to the frame of its record in a ring, and from the settlement back to the ledger. */
import { KIND_RECORD } from '../../src/channel/frame.js';
import { FrameRing } from '../../src/channel/frame-ring.js';
import {
  createRingMemory,
  HEAD_WORD,
  RING_DATA_BYTES,
  TAIL_WORD,
} from '../../src/channel/ring-layout.js';
import { DELIVERED, SettlementRing } from '../../src/channel/settlement-ring.js';
import { Ledger, NO_REGION, PERSISTED } from '../../src/delivery/ledger.js';
import type { Publish } from '../../src/mqtt/receive/publish.js';
import { frameBytesMax, planRecords, writeFrame } from '../../src/route/to-kafka.js';
import { shardOf } from '../../src/shard/shard-of.js';
import { recordShape } from '../record-shape.js';
import { BURST, type Kernel } from './kernel.js';
import { readPublishes } from './publishes.js';

const RING_BYTES = 1024 * 1024;
const FRAME_BYTES = 296;
const FRAME_ROOM_BYTES = 2_048;
const KEY_BYTES = 16;
const SHARDS = 4;

function writeFrames(
  payloadBytes: number,
  userProperties: number,
  copyMqttProperties: boolean,
): () => void {
  const publishes = readPublishes(payloadBytes, userProperties);
  const [first] = publishes as [Publish];
  const topic = first.bytes.slice(first.topicStart, first.topicEnd);
  const plan = planRecords(recordShape(copyMqttProperties), topic);
  const memory = new SharedArrayBuffer(BURST * FRAME_ROOM_BYTES);
  const frames = {
    bytes: new Uint8Array(memory),
    words: new Int32Array(memory),
    view: new DataView(memory),
  };
  return () => {
    for (let n = 0; n < BURST; n++) {
      const publish = publishes[n] as Publish;
      if (frameBytesMax(plan, publish) > FRAME_ROOM_BYTES) throw new Error('no room');
      writeFrame(frames, n * FRAME_ROOM_BYTES, plan, publish, n, 0, 0);
    }
  };
}

/** The worker has read everything when the next burst comes. */
function reserveFrames(): () => void {
  const memory = createRingMemory(RING_BYTES);
  const control = new Int32Array(memory, 0, RING_DATA_BYTES / 4);
  const ring = new FrameRing(memory, () => {});
  return () => {
    for (let n = 0; n < BURST; n++) {
      const offset = ring.reserve(FRAME_BYTES);
      if (offset < 0) throw new Error('no room');
      ring.words[offset / 4 + 1] = KIND_RECORD;
      ring.commit(FRAME_BYTES);
    }
    ring.publish();
    Atomics.store(control, TAIL_WORD, Atomics.load(control, HEAD_WORD));
  };
}

/** The entries are there already: the worker's part is to move the head. */
function readSettlements(): () => void {
  const memory = createRingMemory(RING_BYTES);
  const control = new Int32Array(memory, 0, RING_DATA_BYTES / 4);
  const entries = new Int32Array(memory, RING_DATA_BYTES);
  for (let at = 0; at < entries.length; at += 2) {
    entries[at] = at / 2;
    entries[at + 1] = ((FRAME_BYTES / 8) << 4) | DELIVERED;
  }
  let bytes = 0;
  const ring = new SettlementRing(memory, (_, frameBytes) => {
    bytes = (bytes + frameBytes) | 0;
  });
  return () => {
    Atomics.add(control, HEAD_WORD, 8 * BURST);
    if (ring.readAll() !== BURST) throw new Error('settlements are missing');
  };
}

function openDeliveries(): () => void {
  const ledger = new Ledger<string>(1_024);
  const ids = new Int32Array(BURST);
  return () => {
    for (let n = 0; n < BURST; n++) ids[n] = ledger.open(0, n + 1, 1, NO_REGION, 1_000, 'match');
    for (let n = 0; n < BURST; n++) {
      const id = ids[n] as number;
      if (!ledger.settle(id, PERSISTED)) throw new Error('a part is open');
      ledger.close(id);
    }
  };
}

function findShards(): () => void {
  const bytes = new Uint8Array(BURST * KEY_BYTES).map((_, n) => (n * 31) & 0xff);
  let sum = 0;
  return () => {
    for (let start = 0; start < bytes.length; start += KEY_BYTES) {
      sum = (sum + shardOf(bytes, start, start + KEY_BYTES, SHARDS)) | 0;
    }
  };
}

export const toKafkaKernels: readonly Kernel[] = [
  { name: 'to-kafka/frame', operations: BURST, open: () => writeFrames(200, 0, false) },
  { name: 'to-kafka/frame-64-bytes', operations: BURST, open: () => writeFrames(64, 0, false) },
  { name: 'to-kafka/frame-headers', operations: BURST, open: () => writeFrames(200, 0, true) },
  {
    name: 'to-kafka/frame-headers-4-properties',
    operations: BURST,
    open: () => writeFrames(200, 4, true),
  },
  { name: 'to-kafka/frame-ring', operations: BURST, open: reserveFrames },
  { name: 'to-kafka/settlement-ring', operations: BURST, open: readSettlements },
  { name: 'to-kafka/ledger', operations: BURST, open: openDeliveries },
  { name: 'to-kafka/shard', operations: BURST, open: findShards },
];
