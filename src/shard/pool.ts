/* ShardPool: one Piscina worker a shard, each with one task that lives until the shard is closed.
 * Piscina supervises: a worker that dies is replaced, and its task, which was lost, is given anew.
 *
 * Order when a worker dies (invariant 8): Piscina tells of its error, and only when its thread has
 * ended has the addon's clean-up destroyed its librdkafka handles, so that nobody reads the slab;
 * then `onLost` closes the connections that own its deliveries; only then are rings of its own made
 * for the next one.
 */
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, type Worker } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import type { OperatingError } from '../base/errors.js';
import {
  closeDoorbell,
  listenToDoorbell,
  openDoorbell,
  ringDoorbell,
} from '../channel/doorbell.js';
import { createHeartbeat, threadOf } from '../channel/heartbeat.js';
import type {
  CloseShard,
  CredentialsChanged,
  FromWorker,
  ShardTask,
  ToWorker,
} from '../channel/protocol.js';
import type { OnSettled } from '../channel/settlement-ring.js';
import { RecordSource, type SourceSettings } from './record-source.js';
import { crashLoop, neverBegan, Restarts, unendable } from './restarts.js';
import { SentCredentials } from './sent-credentials.js';
import { Shard, type ShardOptions } from './shard.js';
import { WakePace } from './wake-pace.js';
import { WATCH_LIMITS, type WatchLimits, WorkerWatch } from './worker-watch.js';

/** How often main looks at the heartbeats. */
const LOOK_MS = 1000;
/** JavaScript heap of one worker. What it holds of messages lies outside of it; this is for what is known
 * of targets, for statistics, and for 131,072 records that came back: a tenth of it. */
const WORKER_HEAP_MB_MAX = 512;
/** What workers may take to close: consumers commit and leave their groups for 10 s at most. */
const CLOSE_MS = 20_000;
/** And to end, once they are made to. */
const END_MS = 5_000;

export interface ShardPoolOptions extends Pick<ShardOptions, 'sessions' | 'sessionIndex'> {
  readonly shards: number;
  readonly slab: SharedArrayBuffer;
  /** What every task has in common. */
  readonly task: Omit<
    ShardTask,
    | 'shard'
    | 'frames'
    | 'settlements'
    | 'slab'
    | 'heartbeat'
    | 'wakeFd'
    | 'mainFd'
    | 'consumers'
    | 'port'
  >;
  /** Their consumers are dealt to the shards in turn. */
  readonly consumers: readonly SourceSettings[];
  readonly clock: Clock;
  readonly onSettled: (shard: Shard, ...settled: Parameters<OnSettled>) => void;
  /** After all that was settled since the last time. */
  readonly onBurstEnd: () => void;
  /** A consumer may have written records. */
  readonly onRecords: (source: RecordSource) => void;
  readonly onMessage: (shard: Shard, message: FromWorker) => void;
  /** A worker has ended before its time, with everything that it had outstanding. */
  readonly onLost: (shard: Shard, error: Error) => void;
  /** For how long the loop of a worker has not turned; 0: it does again, or there is another one. */
  readonly onSilent: (shard: Shard, seconds: number) => void;
  /** There will be no other worker: the process has to end. */
  readonly onHopeless: (error: OperatingError) => void;
  /** Left out: those of production. */
  readonly watchLimits?: WatchLimits;
  readonly workerHeapMbMax?: number;
}

interface Member {
  readonly shard: Shard;
  readonly sources: readonly RecordSource[];
  readonly wakeFd: number;
  readonly pace: WakePace;
  port: MessagePort | undefined;
  /** Its worker, once that has said that it is ready. */
  worker: Worker | undefined;
  /** When the thread of `worker` has ended. */
  exited: Promise<unknown>;
  /** Never rejects. */
  ended: Promise<void>;
  readonly restarts: Restarts;
  cancelRestart: () => void;
  startedMs: number;
  /** Of the worker that there is; undefined while there is none. */
  watch: { readonly sight: WorkerWatch; readonly heartbeat: SharedArrayBuffer } | undefined;
  /** Why it was ended; undefined: it was not. */
  endedFor: Error | undefined;
}

export class ShardPool {
  readonly #options: ShardPoolOptions;
  readonly #piscina: Piscina;
  readonly #mainFd: number;
  readonly #stopListening: () => void;
  readonly #members: Member[];
  /** A worker that starts begins with those in use, the newest of which one has said that they work, for
   * others may never do; and is told of the newest then. */
  readonly #credentials: SentCredentials;
  #closing = false;
  #cancelLook: () => void = () => {};
  /** The doorbells are closed: what settles late rings nobody. */
  #closed = false;

  constructor(options: ShardPoolOptions) {
    this.#options = options;
    this.#credentials = new SentCredentials(options.task.kafkaCredentials);
    this.#piscina = new Piscina({
      filename: fileURLToPath(new URL('../worker/main.js', import.meta.url)),
      name: 'runShard',
      minThreads: options.shards,
      maxThreads: options.shards,
      concurrentTasksPerWorker: 1,
      // With Atomics.wait a worker between tasks does not turn its event loop.
      atomics: 'disabled',
      idleTimeout: Number.POSITIVE_INFINITY,
      recordTiming: false,
      resourceLimits: { maxOldGenerationSizeMb: options.workerHeapMbMax ?? WORKER_HEAP_MB_MAX },
    });
    // A worker that fails before it has its task: from then on Piscina starts none of itself.
    this.#piscina.on('error', (error: Error) => {
      if (!this.#closing) options.onHopeless(neverBegan(error));
    });
    this.#mainFd = openDoorbell();
    this.#stopListening = listenToDoorbell(this.#mainFd, () => this.#onDoorbell());
    this.#members = Array.from({ length: options.shards }, (_, index) => {
      const wakeFd = openDoorbell();
      const ring = () => {
        // Their numbers may be somebody else's file descriptors by now.
        if (!this.#closed) ringDoorbell(wakeFd);
      };
      const pace = new WakePace(options.clock);
      const shard = new Shard({
        ...options,
        index,
        bell: {
          ring,
          mayWake: (askAgain) => pace.mayWake(askAgain),
        },
        onSettled: (...settled) => options.onSettled(shard, ...settled),
      });
      return {
        shard,
        sources: options.consumers
          .filter((_, consumer) => consumer % options.shards === index)
          .map((settings) => new RecordSource(settings, index, ring)),
        wakeFd,
        pace,
        port: undefined,
        worker: undefined,
        exited: Promise.resolve(),
        ended: Promise.resolve(),
        restarts: new Restarts(),
        cancelRestart: () => {},
        startedMs: 0,
        watch: undefined,
        endedFor: undefined,
      };
    });
  }

  get shards(): readonly Shard[] {
    return this.#members.map((member) => member.shard);
  }

  /** One for each consumer, in their order. */
  get sources(): readonly RecordSource[] {
    const all = this.#members.flatMap((member) => member.sources);
    return this.#options.consumers.map(({ routeIndex }) => {
      const source = all.find(({ settings }) => settings.routeIndex === routeIndex);
      assert(source !== undefined, `the consumer of route ${routeIndex} is in no shard`);
      return source;
    });
  }

  start(): void {
    for (const member of this.#members) this.#run(member);
    this.#lookLater();
  }

  /** Tells the worker of a shard; one that is not there needs not to know. */
  post(shard: number, message: ToWorker): void {
    this.#members[shard]?.port?.postMessage(message);
  }

  /**
   * Has every worker connect with these from now on, also those that are replaced later.
   * @returns the number by which workers tell of it, in `credentialsInUse` and the others
   */
  setCredentials(kafkaCredentials: ShardTask['kafkaCredentials']): number {
    const generation = this.#credentials.newest.generation + 1;
    this.#credentials.add({ generation, kafkaCredentials });
    for (const { port } of this.#members) this.#tellCredentials(port);
    return generation;
  }

  /**
   * Closes every shard and waits for the workers to end, for a bounded time: a worker that does not is
   * ended, and one that cannot be is left behind. What is outstanding is forgotten.
   * @param commits what consumers shall commit before they end, by shard
   */
  async close(commits: (shard: number) => CloseShard['commits'] = () => []): Promise<void> {
    this.#closing = true;
    for (const member of this.#members) member.cancelRestart();
    for (const member of this.#members) {
      const message: CloseShard = { kind: 'close', commits: commits(member.shard.index) };
      member.port?.postMessage(message);
    }
    const ended = Promise.all(this.#members.map((member) => member.ended));
    await this.#within(CLOSE_MS, ended);
    // It ends what is left by terminate().
    const allEnded = await this.#within(END_MS, this.#piscina.destroy());
    this.#cancelLook();
    this.#stopListening();
    this.#closed = true;
    // Who is left behind may ring still.
    if (!allEnded) return;
    for (const member of this.#members) {
      member.pace.close();
      closeDoorbell(member.wakeFd);
    }
    closeDoorbell(this.#mainFd);
  }

  /** Ends a worker as a crash would; for tests of invariant 8. */
  async crash(index: number): Promise<void> {
    await this.#members[index]?.worker?.terminate();
  }

  #run(member: Member): void {
    const { shard } = member;
    const { port1, port2 } = new MessageChannel();
    const { watchLimits = WATCH_LIMITS } = this.#options;
    const heartbeat = createHeartbeat();
    member.watch = { sight: new WorkerWatch(watchLimits, heartbeat), heartbeat };
    member.endedFor = undefined;
    member.port = port1;
    member.startedMs = this.#options.clock.monotonicMs();
    port1.on('message', (message: FromWorker) => {
      if (message.kind === 'ready') this.#onReady(member, message.threadId);
      if (message.kind === 'credentialsInUse') this.#credentials.use(message.generation);
      this.#options.onMessage(shard, message);
    });
    const task: ShardTask = {
      ...this.#options.task,
      kafkaCredentials: this.#credentials.inUse.kafkaCredentials,
      shard: shard.index,
      frames: shard.framesMemory,
      settlements: shard.settlementsMemory,
      slab: this.#options.slab,
      heartbeat,
      wakeFd: member.wakeFd,
      mainFd: this.#mainFd,
      consumers: member.sources.map((source) => source.task),
      port: port2,
    };
    // It waits in the port until the worker listens; one that begins with the newest answers all the same.
    if (this.#credentials.newest.generation > 0) this.#tellCredentials(port1);
    member.ended = this.#piscina.run(task, { transferList: [port2] }).then(
      () => port1.close(),
      async (error: Error) => {
        // Closed first: a worker that is on its way out is not ready, whatever it still says.
        port1.close();
        shard.ready = false;
        await member.exited;
        if (!this.#closing) this.#onDied(member, member.endedFor ?? error);
      },
    );
  }

  #onReady(member: Member, threadId: number): void {
    const worker = this.#piscina.threads.find((thread) => thread.threadId === threadId);
    // Piscina has let go of it: it died before this message came, and nothing was written for it.
    if (worker === undefined) return;
    member.worker = worker;
    member.exited = new Promise((resolve) => worker.once('exit', resolve));
    member.shard.ready = true;
  }

  #tellCredentials(port: MessagePort | undefined): void {
    const message: CredentialsChanged = { kind: 'credentials', ...this.#credentials.newest };
    port?.postMessage(message);
  }

  #onDied(member: Member, error: Error): void {
    const { clock } = this.#options;
    member.watch = undefined;
    // What it settled before it died is settled.
    member.shard.readSettlements();
    this.#options.onLost(member.shard, error);
    this.#options.onSilent(member.shard, 0);
    member.shard.reset();
    for (const source of member.sources) source.reset();
    this.#options.onBurstEnd();
    const nowMs = clock.monotonicMs();
    const waitMs = member.restarts.onDied(nowMs, nowMs - member.startedMs);
    if (waitMs === undefined) {
      this.#options.onHopeless(crashLoop(member.shard.index, error));
      return;
    }
    member.cancelRestart = clock.after(waitMs, () => {
      if (!this.#closing) this.#run(member);
    });
  }

  #lookLater(): void {
    this.#cancelLook = this.#options.clock.after(LOOK_MS, () => {
      for (const member of this.#members) this.#look(member);
      this.#lookLater();
    });
  }

  #look(member: Member): void {
    if (member.watch === undefined || this.#closing) return;
    const { shard } = member;
    const sight = member.watch.sight.look();
    this.#options.onSilent(shard, sight.kind === 'well' ? 0 : sight.seconds);
    const threadId = threadOf(member.watch.heartbeat);
    if (sight.kind === 'stuck') {
      member.endedFor = new Error(`its loop did not turn for ${sight.seconds} s, and it was ended`);
      void this.#piscina.threads.find((thread) => thread.threadId === threadId)?.terminate();
    } else if (sight.kind === 'hopeless') {
      this.#options.onHopeless(unendable(shard.index, sight.seconds, threadId !== 0));
    }
  }

  /** Resolves when `promise` does, true, or after `ms`, false. */
  #within(ms: number, promise: Promise<unknown>): Promise<boolean> {
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(ms, () => resolve(false));
      promise.then(() => {
        cancel();
        resolve(true);
      }, reject);
    });
  }

  #onDoorbell(): void {
    let settled = 0;
    for (const { shard } of this.#members) settled += shard.readSettlements();
    if (settled > 0) this.#options.onBurstEnd();
    for (const { sources } of this.#members) {
      for (const source of sources) this.#options.onRecords(source);
    }
  }
}
