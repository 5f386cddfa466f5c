/* ConsumeLoops: every consumer of one worker. Worker only. */
import type { Clock } from '../base/clock.js';
import type {
  CloseShard,
  CommitOffsets,
  ConsumerTask,
  FromWorker,
  PartitionsReleased,
  ShardTask,
} from '../channel/protocol.js';
import { addon, type Consumer } from '../kafka/addon.js';
import type { ConnectionFault } from '../kafka/connection-fault.js';
import { consumerProperties } from '../kafka/consumer-config.js';
import { giveToken } from '../kafka/login.js';
import { ConsumeLoop } from './consume-loop.js';
import type { LiveTask } from './live-task.js';

const TICK_MS = 1000;

export interface ConsumeLoopsOptions {
  readonly clock: Clock;
  readonly post: (message: FromWorker) => void;
  readonly errorName: (code: number) => string;
  /** librdkafka's statistics of a consumer, for whether Kafka is there; undefined: it is no more. */
  readonly onStatistics: (routeIndex: number, json: string | undefined) => void;
  /** What keeps a consumer from a broker. */
  readonly onFault: (fault: ConnectionFault) => void;
}

export class ConsumeLoops {
  readonly #clock: Clock;
  /** By route. */
  readonly #loops = new Map<number, ConsumeLoop>();
  #cancelTick: () => void = () => {};
  #again: NodeJS.Immediate | undefined;

  /** Opens every consumer; throws when librdkafka refuses a setting. */
  constructor(task: LiveTask, options: ConsumeLoopsOptions) {
    const { clock, post, errorName, onStatistics, onFault } = options;
    this.#clock = clock;
    for (const consumer of task.now.consumers) {
      const { routeIndex } = consumer;
      const loop = new ConsumeLoop({
        routeIndex,
        open: () => openConsumer(task.now, consumer),
        clock,
        post,
        errorName,
        kafka: task.now.kafka,
        onFault,
        onStatistics: (json) => onStatistics(routeIndex, json),
        wake: () => this.#soon(),
      });
      this.#loops.set(routeIndex, loop);
    }
  }

  start(): void {
    if (this.#loops.size > 0) this.#tick();
  }

  /** Answers the doorbell. */
  turn(): void {
    for (const loop of this.#loops.values()) loop.turn();
  }

  /** Has every consumer log in with these from now on. Returns what is wrong, without the values. */
  logIn(credentials: ShardTask['kafkaCredentials']): string | undefined {
    const faults = [...this.#loops.values()].map((loop) => loop.logIn(credentials));
    return faults.find((fault) => fault !== undefined);
  }

  /** Replaces every consumer by one that is opened with the credentials of now. */
  async renew(): Promise<void> {
    const renewing = [...this.#loops.values()].map((loop) => loop.renew());
    this.#soon();
    await Promise.all(renewing);
  }

  onMessage(message: CommitOffsets | PartitionsReleased): void {
    const loop = this.#loops.get(message.routeIndex);
    if (message.kind === 'commit') loop?.onCommit(message);
    else loop?.onReleased(message);
    // What it asked of librdkafka may be answered already.
    this.#soon();
  }

  /** Commits, and resolves when all consumers are destroyed; within a bounded time. */
  async close(commits: CloseShard['commits']): Promise<void> {
    const closing = [...this.#loops].map(([routeIndex, loop]) =>
      loop.close(commits.find((commit) => commit.routeIndex === routeIndex)?.offsets ?? []),
    );
    this.turn();
    await Promise.all(closing);
    this.#cancelTick();
    if (this.#again !== undefined) clearImmediate(this.#again);
  }

  #tick(): void {
    this.#cancelTick = this.#clock.after(TICK_MS, () => {
      for (const loop of this.#loops.values()) loop.onTick();
      this.#tick();
    });
  }

  #soon(): void {
    this.#again ??= setImmediate(() => {
      this.#again = undefined;
      this.turn();
    });
  }
}

function openConsumer(task: ShardTask, consumer: ConsumerTask): Consumer {
  const native = new addon.Consumer(
    consumerProperties(task, consumer),
    consumer.topic,
    new Uint8Array(consumer.records),
    new Uint8Array(consumer.large),
    task.wakeFd,
    task.mainFd,
  );
  giveToken(native, task);
  return native;
}
