import assert from 'node:assert/strict';
import { FRAME_DELIVERY_ID } from '../../src/channel/frame.js';
import { createHeartbeat } from '../../src/channel/heartbeat.js';
import type {
  FromWorker,
  OpenTarget,
  ProducerSettings,
  ShardTask,
} from '../../src/channel/protocol.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { CredentialsChange } from '../../src/worker/credentials-change.js';
import { LiveTask } from '../../src/worker/live-task.js';
import { ProduceLoop } from '../../src/worker/produce-loop.js';
import { type FakeProducer, FakeShardProducers } from './fake-shard-producers.js';
import type { FrameSpec } from './frames.js';
import { NO_CREDENTIALS, plainKafka } from './kafka-access.js';
import { ManualClock } from './manual-clock.js';

/** Turns that are enough for all that follows from one thing without another. */
const TURNS = 8;

export interface FakeWorkerOptions {
  /** Producer settings of each target; those with equal ones share a producer. */
  readonly targets?: readonly Partial<ProducerSettings>[];
  readonly task?: Partial<ShardTask>;
}

class FakeConsumers {
  readonly logins: ShardTask['kafkaCredentials'][] = [];
  renewals = 0;
  /** While it is set, consumers wait for what is under way. */
  renewed: Promise<void> = Promise.resolve();

  logIn(credentials: ShardTask['kafkaCredentials']): undefined {
    this.logins.push(credentials);
  }

  renew(): Promise<void> {
    this.renewals++;
    return this.renewed;
  }
}

/** worker/produce-loop.ts at work on the fake addon, in time that stands still. */
export class FakeWorker {
  readonly clock = new ManualClock();
  readonly native = new FakeShardProducers(this.clock);
  readonly posted: FromWorker[] = [];
  readonly loop: ProduceLoop;
  /** The consumers of the worker: what is asked of them, and what they answer. */
  readonly consumers = new FakeConsumers();
  readonly change: CredentialsChange;
  #generations = 0;

  constructor({ targets = [{}], task = {} }: FakeWorkerOptions = {}) {
    const live = new LiveTask({ ...FAKE_TASK, ...task });
    this.loop = new ProduceLoop({
      native: this.native,
      task: live,
      clock: this.clock,
      post: (message) => this.posted.push(message),
      errorName: (code) => `E${code}`,
    });
    this.change = new CredentialsChange({
      task: live,
      produceLoop: this.loop,
      consumeLoops: this.consumers,
      clock: this.clock,
      post: (message) => this.posted.push(message),
      hide: () => {},
    });
    for (const [targetId, settings] of targets.entries()) {
      this.native.control(fakeTarget(targetId, settings));
    }
    this.loop.start();
  }

  /** Lets the worker do all that it does without time passing. */
  async run(): Promise<void> {
    for (let i = 0; i < TURNS; i++) {
      this.loop.turn();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Lets time pass, and the worker do what falls due. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.run();
  }

  async write(...specs: readonly FrameSpec[]): Promise<void> {
    for (const spec of specs) this.native.write(spec);
    await this.run();
  }

  /** Writes records of target 0 with these delivery ids. */
  async writeIds(...ids: readonly number[]): Promise<void> {
    await this.write(...ids.map((deliveryId) => ({ deliveryId })));
  }

  async barrier(loss: number): Promise<void> {
    this.native.control({ kind: 'barrier', loss });
    await this.run();
  }

  /** Has the worker change to these. Returns their number. */
  async credentials(credentials: KafkaCredentials): Promise<number> {
    const generation = ++this.#generations;
    const kafkaCredentials = seal(credentials);
    this.change.onMessage({ kind: 'credentials', generation, kafkaCredentials });
    await this.run();
    return generation;
  }

  /** The client that tries new credentials: it is the newest, and has no topics. */
  trial(): FakeProducer | undefined {
    return this.native
      .open()
      .find(({ properties }) => properties['statistics.interval.ms'] === '200');
  }

  /** The trial says that it is connected. */
  async trialConnects(): Promise<void> {
    const trial = this.trial();
    assert(trial !== undefined, 'no trial is open');
    this.native.tell(trial, true);
    await this.run();
  }

  /** Takes what was posted of one kind. */
  take<Kind extends FromWorker['kind']>(kind: Kind): Extract<FromWorker, { kind: Kind }>[] {
    const is = (message: FromWorker): message is Extract<FromWorker, { kind: Kind }> =>
      message.kind === kind;
    const taken = this.posted.filter(is);
    const rest = this.posted.filter((message) => !is(message));
    this.posted.splice(0, this.posted.length, ...rest);
    return taken;
  }

  /** Delivery ids of the records that were refused since the last time. */
  takeRefused(): number[] {
    return this.take('refused').map(({ frame }) => {
      return new DataView(frame.buffer, frame.byteOffset).getUint32(FRAME_DELIVERY_ID * 4, true);
    });
  }

  close(): void {
    this.loop.close();
  }
}

export const SETTINGS: ProducerSettings = {
  lingerMs: 0,
  batchMessagesMax: 10_000,
  batchBytesMax: 1_000_000,
  idempotent: false,
  requestsInFlightMax: 1,
  variant: 0,
};

export function fakeTarget(targetId: number, settings: Partial<ProducerSettings> = {}): OpenTarget {
  return {
    kind: 'openTarget',
    targetId,
    producer: { ...SETTINGS, ...settings },
    topic: `topic-${targetId}`,
    acks: 'all',
    compression: 'none',
    rule: 0,
    instanceId: 0,
  };
}

export const FAKE_TASK: ShardTask = {
  shard: 0,
  connector: 'c',
  clientId: 'client',
  kafka: plainKafka('127.0.0.1:1'),
  kafkaCredentials: NO_CREDENTIALS,
  messageBytesMax: 1_000_000,
  logLevel: 'info',
  frames: new SharedArrayBuffer(0),
  settlements: new SharedArrayBuffer(0),
  slab: new SharedArrayBuffer(0),
  heartbeat: createHeartbeat(),
  wakeFd: -1,
  mainFd: -1,
  consumers: [],
  // The loop itself never uses it.
  port: new MessageChannel().port1 as unknown as ShardTask['port'],
};
