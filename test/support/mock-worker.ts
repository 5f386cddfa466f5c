import { type Clock, systemClock } from '../../src/base/clock.js';
import {
  closeDoorbell,
  listenToDoorbell,
  openDoorbell,
  ringDoorbell,
} from '../../src/channel/doorbell.js';
import { FRAME_DELIVERY_ID } from '../../src/channel/frame.js';
import { FrameRing } from '../../src/channel/frame-ring.js';
import { createHeartbeat } from '../../src/channel/heartbeat.js';
import type {
  ControlFrame,
  FromWorker,
  ProducerSettings,
  ShardTask,
} from '../../src/channel/protocol.js';
import { createRingMemory } from '../../src/channel/ring-layout.js';
import { type Settlement, SettlementRing } from '../../src/channel/settlement-ring.js';
import { addon } from '../../src/kafka/addon.js';
import { LiveTask } from '../../src/worker/live-task.js';
import { ProduceLoop } from '../../src/worker/produce-loop.js';
import { type FrameSpec, frameOf } from './frames.js';
import { NO_CREDENTIALS, plainKafka } from './kafka-access.js';
import { openTargetOf } from './open-targets.js';
import { until } from './until.js';

const RING_BYTES = 1024 * 1024;

/** A worker's loop on the real addon, on the test's own thread, and what main keeps of it. */
export class MockWorker {
  readonly posted: FromWorker[] = [];
  /** By delivery id; a second settlement throws. */
  readonly settled = new Map<number, Settlement>();
  readonly refused = new Set<number>();
  readonly loop: ProduceLoop;
  readonly task: LiveTask;
  readonly ring: FrameRing;
  readonly #settlements: SettlementRing;
  readonly #wakeFd = openDoorbell();
  readonly #mainFd = openDoorbell();
  readonly #stop: readonly (() => void)[];
  #onEnd: () => void = () => {};
  /** Whether losses are answered at once, as main does it. */
  answersLosses = true;

  constructor(
    bootstrapServers: string,
    { messageBytesMax = 1_000_000, clock = systemClock as Clock } = {},
  ) {
    const frames = createRingMemory(RING_BYTES);
    const settlements = createRingMemory(RING_BYTES);
    const slab = new SharedArrayBuffer(64);
    this.ring = new FrameRing(frames, () => ringDoorbell(this.#wakeFd));
    this.#settlements = new SettlementRing(settlements, (id, _, how) => this.#settle(id, how));
    this.task = new LiveTask({
      shard: 0,
      connector: 'c',
      clientId: 'client',
      kafka: plainKafka(bootstrapServers),
      kafkaCredentials: NO_CREDENTIALS,
      messageBytesMax,
      logLevel: 'info',
      frames,
      settlements,
      slab,
      heartbeat: createHeartbeat(),
      wakeFd: this.#wakeFd,
      mainFd: this.#mainFd,
      consumers: [],
      port: undefined as unknown as ShardTask['port'],
    });
    this.loop = new ProduceLoop({
      native: new addon.ShardProducers(
        new Uint8Array(frames),
        new Uint8Array(settlements),
        new Uint8Array(slab),
        this.#wakeFd,
        this.#mainFd,
      ),
      task: this.task,
      clock,
      post: (message) => this.#onMessage(message),
      errorName: addon.errorName,
    });
    this.#stop = [
      listenToDoorbell(this.#wakeFd, () => this.loop.turn()),
      listenToDoorbell(this.#mainFd, () => this.#settlements.readAll()),
    ];
    this.loop.start();
  }

  open(topic: string, settings: Partial<ProducerSettings> = {}, targetId = 0): void {
    this.control(openTargetOf(topic, settings, targetId));
  }

  control(control: ControlFrame): void {
    if (!this.ring.control(Buffer.from(JSON.stringify(control)))) throw new Error('no room');
  }

  async write(specs: Iterable<FrameSpec>): Promise<void> {
    for (const spec of specs) {
      const frame = frameOf(spec);
      await until('room in the ring', () => this.#put(frame), { pollMs: 1 });
    }
    this.ring.publish();
  }

  /** Until so many records in all have come to their end. */
  ended(count: number): Promise<void> {
    return until(`${count} ends`, () => this.settled.size + this.refused.size >= count, {
      detail: () => ({
        settled: this.settled.size,
        refused: this.refused.size,
        posted: this.posted,
      }),
    });
  }

  /** Resolves when a record is settled, for one that waits at a time. */
  nextEnd(): Promise<void> {
    return new Promise((resolve) => {
      this.#onEnd = resolve;
    });
  }

  posts(kind: FromWorker['kind'], holds: (message: FromWorker) => boolean = () => true) {
    return until(`a message ${kind}`, () => this.posted.some((m) => m.kind === kind && holds(m)), {
      detail: () => this.posted,
    });
  }

  close(): void {
    for (const stop of this.#stop) stop();
    this.loop.close();
    closeDoorbell(this.#wakeFd);
    closeDoorbell(this.#mainFd);
  }

  #put(frame: Uint8Array): boolean {
    const offset = this.ring.reserve(frame.byteLength);
    if (offset < 0) {
      this.ring.publish();
      return false;
    }
    this.ring.bytes.set(frame, offset);
    this.ring.commit(frame.byteLength);
    return true;
  }

  #settle(deliveryId: number, how: Settlement): void {
    if (this.settled.has(deliveryId) || this.refused.has(deliveryId)) {
      throw new Error(`${deliveryId} is settled twice`);
    }
    this.settled.set(deliveryId, how);
    this.#onEnd();
  }

  #onMessage(message: FromWorker): void {
    if (message.kind !== 'log') this.posted.push(message);
    if (message.kind === 'producerLost' && this.answersLosses) {
      this.control({ kind: 'barrier', loss: message.loss });
    }
    if (message.kind !== 'refused') return;
    const { buffer, byteOffset } = message.frame;
    const id = new DataView(buffer, byteOffset).getUint32(FRAME_DELIVERY_ID * 4, true);
    if (this.refused.has(id) || this.settled.has(id)) throw new Error(`${id} is refused too`);
    this.refused.add(id);
  }
}
