import {
  closeDoorbell,
  listenToDoorbell,
  openDoorbell,
  ringDoorbell,
} from '../../src/channel/doorbell.js';
import { FRAME_DELIVERY_ID } from '../../src/channel/frame.js';
import { FrameRing } from '../../src/channel/frame-ring.js';
import { ROUND_ROBIN } from '../../src/channel/protocol.js';
import { createRingMemory } from '../../src/channel/ring-layout.js';
import { type Settlement, SettlementRing } from '../../src/channel/settlement-ring.js';
import {
  addon,
  type Failure,
  type ProducerEvent,
  type ShardProducers,
  TURN_CONTROL,
  TURN_EVENTS,
  TURN_FAILURES,
  TURN_MORE,
} from '../../src/kafka/addon.js';
import { type FrameSpec, frameOf } from './frames.js';
import { until } from './until.js';

export interface Settled {
  readonly deliveryId: number;
  readonly frameBytes: number;
  readonly settlement: Settlement;
}

/** Both ends of a shard's rings on one thread, around the real addon. */
export class NativeShard {
  readonly native: ShardProducers;
  readonly frames: SharedArrayBuffer;
  readonly ring: FrameRing;
  readonly slab: SharedArrayBuffer;
  readonly settled: Settled[] = [];
  readonly failures: Failure[] = [];
  readonly events: ProducerEvent[] = [];
  readonly controls: Uint8Array[] = [];
  readonly #wakeFd = openDoorbell();
  readonly #mainFd = openDoorbell();
  readonly #settlements: SettlementRing;
  readonly #stopListening: () => void;
  #again: NodeJS.Immediate | undefined;

  constructor({ ringBytes = 1024 * 1024, slabBytes = 64 } = {}) {
    const settlements = createRingMemory(1024 * 1024);
    this.frames = createRingMemory(ringBytes);
    this.slab = new SharedArrayBuffer(slabBytes);
    this.ring = new FrameRing(this.frames, () => ringDoorbell(this.#wakeFd));
    this.#settlements = new SettlementRing(settlements, (deliveryId, frameBytes, settlement) => {
      this.settled.push({ deliveryId, frameBytes, settlement });
    });
    this.native = new addon.ShardProducers(
      new Uint8Array(this.frames),
      new Uint8Array(settlements),
      new Uint8Array(this.slab),
      this.#wakeFd,
      this.#mainFd,
    );
    this.#stopListening = listenToDoorbell(this.#wakeFd, () => this.turn());
  }

  /** Opens a producer and in it target 0. */
  open(
    properties: Readonly<Record<string, string>>,
    topic: string,
    { rule = ROUND_ROBIN as number, instanceId = 0, targetId = 0, acks = '1' } = {},
  ): number {
    const producer = this.native.addProducer(properties);
    this.native.setTarget(targetId, producer, topic, { acks }, rule, instanceId, false);
    return producer;
  }

  /** Writes a frame; waits while the ring is full. */
  async send(spec: FrameSpec): Promise<void> {
    const frame = frameOf(spec);
    if (!this.write(frame)) {
      this.ring.publish();
      await until('room in the ring', () => this.write(frame));
    }
  }

  /** False: the ring is full. */
  write(frame: Uint8Array): boolean {
    const offset = this.ring.reserve(frame.byteLength);
    if (offset < 0) return false;
    this.ring.bytes.set(frame, offset);
    this.ring.commit(frame.byteLength);
    return true;
  }

  /** Publishes what was sent, and waits until that many records in all are settled. */
  async settle(count: number): Promise<void> {
    this.ring.publish();
    this.turn();
    await until(`${count} settlements`, () => this.settled.length >= count, {
      detail: () => ({ settled: this.settled.length, failed: this.failures.length }),
    });
  }

  /** As worker/produce-loop.ts does it, but all that comes out is kept. */
  turn(): number {
    const { native } = this;
    const flags = native.turn();
    if ((flags & TURN_EVENTS) !== 0) this.events.push(...native.takeEvents());
    if ((flags & TURN_FAILURES) !== 0) this.failures.push(...native.takeFailures());
    if ((flags & TURN_CONTROL) !== 0) this.controls.push(native.takeControl());
    native.report();
    this.#settlements.readAll();
    if ((flags & (TURN_MORE | TURN_CONTROL)) !== 0)
      this.#again ??= setImmediate(() => this.#next());
    return flags;
  }

  #next(): void {
    this.#again = undefined;
    this.turn();
  }

  close(): void {
    if (this.#again !== undefined) clearImmediate(this.#again);
    this.#stopListening();
    this.native.close();
    closeDoorbell(this.#wakeFd);
    closeDoorbell(this.#mainFd);
  }
}

/** Settings of a producer that sends at once and never gives up. */
export function quickProducer(bootstrapServers: string): Record<string, string> {
  return {
    'bootstrap.servers': bootstrapServers,
    'linger.ms': '0',
    'sticky.partitioning.linger.ms': '0',
    'reconnect.backoff.ms': '20',
    'reconnect.backoff.max.ms': '100',
    'retry.backoff.ms': '10',
  };
}

export function deliveryIdOf(frame: Uint8Array): number {
  return new DataView(frame.buffer, frame.byteOffset).getUint32(FRAME_DELIVERY_ID * 4, true);
}
