/* From a record in a ring to its PUBLISH in the output of a connection, and from the PUBACK back to the
 * offset that may be committed. */
import { RECORD_FRAME_BYTES, RECORD_SETTLED } from '../../src/channel/record-frame.js';
import { RecordRing } from '../../src/channel/record-ring.js';
import { createRingMemory, HEAD_WORD, RING_DATA_BYTES } from '../../src/channel/ring-layout.js';
import { OffsetTracker } from '../../src/delivery/offset-tracker.js';
import { PublishMaker } from '../../src/flow/to-mqtt/publish-maker.js';
import { Outbound } from '../../src/mqtt/send/outbound.js';
import { OutgoingPublish } from '../../src/mqtt/send/outgoing-publish.js';
import { OutgoingTopics } from '../../src/mqtt/send/outgoing-topics.js';
import { Output } from '../../src/mqtt/send/output.js';
import { recordFrameOf } from '../../test/support/record-frames.js';
import { BURST, type Kernel } from './kernel.js';
import { compiledRecordRoute } from './resources.js';
import { SERVER_LIMITS } from './server-limits.js';
import { stillClock } from './still-clock.js';

const PAYLOAD_BYTES = 200;
const TOPICS = 100;
const SLOT_BYTES = 512;
const SLOTS = 128;

/** The same records come again and again, a burst at a time. Each is padded to a power of two, so that
 * none straddles the end of the ring. */
class RecordLoop {
  readonly ring: RecordRing;
  readonly #control: Int32Array;
  readonly #words: Int32Array;
  readonly #mask: number;
  #head = 0;

  constructor(headers: number) {
    const memory = createRingMemory(SLOTS * SLOT_BYTES);
    const bytes = new Uint8Array(memory, RING_DATA_BYTES);
    this.#control = new Int32Array(memory, 0, RING_DATA_BYTES / 4);
    this.#words = new Int32Array(memory, RING_DATA_BYTES);
    this.#mask = SLOTS * SLOT_BYTES - 1;
    for (let n = 0; n < SLOTS; n++) {
      bytes.set(recordFrame(n, headers), n * SLOT_BYTES);
      this.#words[(n * SLOT_BYTES) / 4 + RECORD_FRAME_BYTES] = SLOT_BYTES;
    }
    this.ring = new RecordRing(memory, new SharedArrayBuffer(8), () => {});
  }

  /** The worker's part: shows main a burst. */
  feed(): void {
    for (let n = 0; n < BURST; n++) {
      this.#words[(this.#head & this.#mask) / 4 + RECORD_SETTLED] = 0;
      this.#head = (this.#head + SLOT_BYTES) >>> 0;
    }
    Atomics.store(this.#control, HEAD_WORD, this.#head | 0);
  }

  /** Reads a burst: where its records are. */
  take(positions: Uint32Array): void {
    for (let n = 0; n < BURST; n++) {
      if (!this.ring.next()) throw new Error('a record is missing');
      positions[n] = this.ring.position;
    }
  }
}

function recordFrame(n: number, headers: number): Uint8Array {
  return recordFrameOf({
    offset: n,
    timestampMs: stillClock.wallMs() - 10,
    key: `device-${n % TOPICS}`,
    headers: Array.from({ length: headers }, (_, h) => [`header-${h}`, `value-${h}`] as const),
    value: 'r'.repeat(PAYLOAD_BYTES),
  });
}

function readRecords(): () => void {
  const loop = new RecordLoop(0);
  const positions = new Uint32Array(BURST);
  return () => {
    loop.feed();
    loop.take(positions);
    for (let n = 0; n < BURST; n++) loop.ring.release(positions[n] as number);
    loop.ring.wakeWriter();
  };
}

function makePublishes(headers: number): () => void {
  const loop = new RecordLoop(headers);
  const positions = new Uint32Array(BURST);
  const route = compiledRecordRoute();
  const maker = new PublishMaker({
    clock: stillClock,
    payloadBytesMax: 1_000_000,
    random: () => 0.5,
  });
  const publish = new OutgoingPublish();
  loop.feed();
  loop.take(positions);
  return () => {
    for (let n = 0; n < BURST; n++) {
      loop.ring.at(positions[n] as number);
      if (maker.make(route, loop.ring, publish) !== 'publish') throw new Error('no PUBLISH');
    }
  };
}

/** A burst is written and flushed; then its PUBACKs come in one read. */
function sendPublishes(propertiesBytes: number): () => void {
  const topics = Array.from({ length: TOPICS }, (_, n) =>
    new OutgoingTopics(1_024, 1).find(`devices/device-${n}`),
  );
  const outbound = new Outbound({
    firstPacketId: 1,
    lastPacketId: 1_000,
    events: {
      onPuback: () => {},
      onWritable: () => {},
      onResend: () => false,
      onWarning: (text) => {
        throw new Error(text);
      },
    },
  });
  outbound.onConnected(
    new Output(
      () => {},
      () => 0,
    ),
    SERVER_LIMITS,
  );
  const publish = new OutgoingPublish();
  publish.properties = new Uint8Array(propertiesBytes);
  publish.propertiesBytes = propertiesBytes;
  publish.payload = new Uint8Array(new SharedArrayBuffer(SLOTS * SLOT_BYTES));
  publish.payloadBytes = PAYLOAD_BYTES;
  const packetIds = new Uint16Array(BURST);
  return () => {
    for (let n = 0; n < BURST; n++) {
      publish.topic = topics[n % TOPICS];
      publish.payloadStart = n * SLOT_BYTES + (n % 8);
      if (outbound.credit === 0 || !outbound.fits(publish)) throw new Error('no room');
      packetIds[n] = outbound.publish(publish, n);
    }
    outbound.flush();
    for (let n = 0; n < BURST; n++) outbound.onPuback(packetIds[n] as number, 0);
    outbound.onBatchEnd();
  };
}

function trackOffsets(): () => void {
  const tracker = new OffsetTracker();
  const numbers = new Uint32Array(BURST);
  let offset = 0;
  return () => {
    for (let n = 0; n < BURST; n++) numbers[n] = tracker.open(offset++);
    for (let n = 0; n < BURST; n++) tracker.settle(numbers[n] as number);
    if (tracker.next !== offset) throw new Error('an offset is held back');
  };
}

export const toMqttKernels: readonly Kernel[] = [
  { name: 'to-mqtt/record-ring', operations: BURST, open: readRecords },
  { name: 'to-mqtt/publish-made', operations: BURST, open: () => makePublishes(0) },
  { name: 'to-mqtt/publish-made-4-headers', operations: BURST, open: () => makePublishes(4) },
  { name: 'to-mqtt/publish-sent', operations: BURST, open: () => sendPublishes(0) },
  {
    name: 'to-mqtt/publish-sent-80-bytes-of-properties',
    operations: BURST,
    open: () => sendPublishes(80),
  },
  { name: 'to-mqtt/offsets', operations: BURST, open: trackOffsets },
];
