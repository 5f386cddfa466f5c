/* The same work through our addon: frames in a ring, one call for a batch of records, delivery
 * reports in a ring. Both ends run on one thread, so that the process has as many threads as the
 * others, and the doorbells ring as they do between main and a worker.
 */
import {
  closeDoorbell,
  listenToDoorbell,
  openDoorbell,
  ringDoorbell,
} from '../src/channel/doorbell.js';
import {
  FRAME_BYTES,
  FRAME_DELIVERY_ID,
  FRAME_HEADER_BYTES,
  FRAME_HEADER_COUNT,
  FRAME_HEADERS_BYTES,
  FRAME_KEY_BYTES,
  FRAME_KIND,
  FRAME_PAYLOAD_BYTES,
  FRAME_PAYLOAD_OFFSET,
  HEADER_ENTRY_BYTES,
  KIND_RECORD,
} from '../src/channel/frame.js';
import { FrameRing } from '../src/channel/frame-ring.js';
import { KEYED } from '../src/channel/protocol.js';
import { createRingMemory } from '../src/channel/ring-layout.js';
import { DELIVERED, SettlementRing } from '../src/channel/settlement-ring.js';
import { addon, TURN_FAILURES, TURN_MORE } from '../src/kafka/addon.js';
import {
  HEADER_VALUE,
  KEY_BYTES,
  KEYS,
  keyOf,
  measure,
  PAYLOAD_BYTES,
  readWorkload,
  settingsOf,
  WINDOW,
} from './workload.js';

const RING_BYTES = 4 * 1024 * 1024;
const TARGET = 0;

/** A whole frame but for its delivery id and the beginning of its payload. */
function frameOf(key: string, headers: number): { words: Int32Array; payloadWord: number } {
  const entries: Buffer[] = [];
  for (let h = 0; h < headers; h += 1) {
    const lengths = Buffer.alloc(HEADER_ENTRY_BYTES);
    const name = Buffer.from(`header-${h}`);
    const value = Buffer.from(HEADER_VALUE);
    lengths.writeUInt16LE(name.length, 0);
    lengths.writeUInt32LE(value.length, 4);
    entries.push(lengths, name, value);
  }
  const variable = Buffer.concat(entries);
  const payloadAt = Math.ceil((FRAME_HEADER_BYTES + KEY_BYTES + variable.length) / 4) * 4;
  const frameBytes = Math.ceil((payloadAt + PAYLOAD_BYTES) / 8) * 8;
  const bytes = new Uint8Array(frameBytes);
  bytes.set(Buffer.from(key), FRAME_HEADER_BYTES);
  bytes.set(variable, FRAME_HEADER_BYTES + KEY_BYTES);
  const words = new Int32Array(bytes.buffer);
  words[FRAME_BYTES] = frameBytes;
  words[FRAME_KIND] = KIND_RECORD;
  words[FRAME_KEY_BYTES] = KEY_BYTES;
  words[FRAME_HEADER_COUNT] = headers;
  words[FRAME_HEADERS_BYTES] = variable.length;
  words[FRAME_PAYLOAD_OFFSET] = payloadAt;
  words[FRAME_PAYLOAD_BYTES] = PAYLOAD_BYTES;
  return { words, payloadWord: payloadAt / 4 };
}

const workload = readWorkload();
const wakeFd = openDoorbell();
const mainFd = openDoorbell();
const frameMemory = createRingMemory(RING_BYTES);
const settlementMemory = createRingMemory(RING_BYTES);
const shard = new addon.ShardProducers(
  new Uint8Array(frameMemory),
  new Uint8Array(settlementMemory),
  new Uint8Array(new SharedArrayBuffer(64)),
  wakeFd,
  mainFd,
);
const producer = shard.addProducer(settingsOf(workload));
shard.setTarget(TARGET, producer, workload.topic, { acks: '1' }, KEYED, 0, false);
const frames = Array.from({ length: KEYS }, (_, n) => frameOf(keyOf(n), workload.headers));

let settle: (settlement: number) => void = () => undefined;
let refill = () => {};
const ring = new FrameRing(frameMemory, () => ringDoorbell(wakeFd));
const settlements = new SettlementRing(settlementMemory, (_deliveryId, _bytes, settlement) =>
  settle(settlement),
);

function turn(): void {
  const flags = shard.turn();
  if ((flags & TURN_FAILURES) !== 0) throw new Error('librdkafka refused a record');
  if ((flags & TURN_MORE) !== 0) setImmediate(turn);
}

const stopWorker = listenToDoorbell(wakeFd, turn);
const stopMain = listenToDoorbell(mainFd, () => {
  settlements.readAll();
  refill();
});

function writeFrame(n: number): boolean {
  const { words, payloadWord } = frames[n % KEYS] as (typeof frames)[number];
  const offset = ring.reserve(words.length * 4);
  if (offset < 0) return false;
  const at = offset / 4;
  ring.words.set(words, at);
  ring.words[at + FRAME_DELIVERY_ID] = n;
  // As the others do: sixteen bytes of the payload change.
  ring.words.fill(Math.imul(97 + (n % 26), 0x01010101), at + payloadWord, at + payloadWord + 4);
  ring.commit(words.length * 4);
  return true;
}

function sendAll(messages: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let reported = 0;
    settle = (settlement) => {
      if (settlement !== DELIVERED) reject(new Error('a record was not delivered'));
      reported += 1;
    };
    refill = () => {
      if (reported === messages) return resolve();
      while (sent < messages && sent - reported < WINDOW && writeFrame(sent)) sent += 1;
      ring.publish();
    };
    // The worker's end looks at its ring once before it can be woken.
    setImmediate(turn);
    refill();
  });
}

await measure(workload, sendAll);
stopWorker();
stopMain();
shard.close();
closeDoorbell(wakeFd);
closeDoorbell(mainFd);
