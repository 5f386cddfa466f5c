/* ConsumeLoop: the worker's side of Kafka to MQTT, for one route: turns of the addon, which write records
 * into the route's ring, and the life of its consumer in the group. Worker only.
 *
 *   running --close--> closing --closed, or too late--> closed
 *   running --fatal error--> failed --backoff--> running          fenced: stopped for good
 *   running --renew: all is settled and committed--> running, another consumer
 *
 * 1. Offsets are committed of partitions that this consumer has, and of no others: a group takes a
 *    commit from any member, also a lower offset over the one of a partition's new owner.
 * 2. A revoked partition is given up only after main has said what of it is settled and that is
 *    committed, or its time is over; a lost one is given up at once, and nothing of it is committed.
 *    What is assigned after a loss is taken once main knows of the loss: what main finds in the ring of
 *    a lost partition until then, it discards.
 * 3. The consumer is always polled (native/kafka-consumer.h). While the ring has no room for long its
 *    partitions are paused, so that librdkafka's threads rest; that throws away what it has fetched, so
 *    it is not done for a short while without room.
 */
import type { Clock } from '../base/clock.js';
import type {
  CommitOffsets,
  FromWorker,
  PartitionOffset,
  PartitionsReleased,
} from '../channel/protocol.js';
import type { KafkaConnection } from '../config/model.js';
import {
  CONSUMER_BLOCKED,
  CONSUMER_EVENTS,
  CONSUMER_MORE,
  type Consumer,
  type ConsumerEvent,
  EVENT_ASSIGN,
  EVENT_CLOSED,
  EVENT_COMMIT,
  EVENT_ERROR,
  EVENT_LOG,
  EVENT_REVOKE,
} from '../kafka/addon.js';
import {
  type ConnectionFault,
  connectionFault,
  unansweredRequest,
} from '../kafka/connection-fault.js';
import { REQUEST_MS } from '../kafka/consumer-config.js';
import { commitMayPass, consumerDisposition, isOfConnection } from '../kafka/kafka-error.js';
import { logIn } from '../kafka/login.js';
import type { KafkaAccess } from '../kafka/security-properties.js';
import { isConnected } from '../kafka/statistics.js';
import { logLevelOf } from './log-level.js';

/** Without room for so long, partitions are paused. */
const PAUSE_AFTER_MS = 10_000;
/** How long a commit may take before a partition is given up without it. */
const COMMIT_TIMEOUT_MS = 5_000;
const COMMIT_RETRY_MS = 250;
const CLOSE_TIMEOUT_MS = 5_000;
/** Without a further request that nobody answers for so long (it takes REQUEST_MS to see one), all is well. */
const ANSWERED_MS = 2 * REQUEST_MS + 15_000;
const REOPEN_MS_MIN = 1_000;
const REOPEN_MS_MAX = 60_000;
/** A consumer that lived this long did not fail of its start. */
const HEALTHY_MS = 60_000;

export interface ConsumeLoopOptions {
  readonly routeIndex: number;
  /** Opens the native consumer, and again after a fatal error. */
  readonly open: () => Consumer;
  readonly clock: Clock;
  readonly post: (message: FromWorker) => void;
  readonly errorName: (code: number) => string;
  /** librdkafka's statistics, for whether Kafka is there; undefined: this consumer is no more. */
  readonly onStatistics: (json: string | undefined) => void;
  readonly kafka: KafkaConnection;
  /** What keeps it from a broker. */
  readonly onFault: (fault: ConnectionFault) => void;
  /** Asks for a turn soon. */
  readonly wake: () => void;
}

type State = 'running' | 'failed' | 'stopped' | 'closing' | 'closed';

/** What to do once a commit has ended. */
interface Commit {
  readonly onEnded: (code: number) => void;
  readonly cancelTimeout: () => void;
}

export class ConsumeLoop {
  readonly #options: ConsumeLoopOptions;
  #native: Consumer;
  #state: State = 'running';
  readonly #assigned = new Set<number>();
  /** By revocation: the partitions that main was asked about. */
  readonly #revoking = new Map<number, readonly number[]>();
  /** Losses that main has not answered yet, and the assignments that came after them. */
  readonly #losses = new Set<number>();
  #waiting: PartitionOffset[] = [];
  #revocations = 0;
  /** By token. */
  readonly #commits = new Map<number, Commit>();
  #tokens = 0;
  #blockedSinceMs: number | undefined;
  #paused = false;
  #openedMs: number;
  #reopenMs = REOPEN_MS_MIN;
  #cancelReopen: () => void = () => {};
  #onClosed: () => void = () => {};
  #trouble = false;
  /** The trouble is that it cannot connect: over as soon as it is connected, with or without records. */
  #isUnconnected = false;
  #fault: ConnectionFault | undefined;
  /** When a request was last given up that a broker had not answered. */
  #unansweredAtMs: number | undefined;
  /** Set while the consumer is to be replaced: nothing is assigned to it any more. */
  #onRenewed: (() => void) | undefined;
  /** Commits of partitions that are given up once they have ended. */
  #lastCommits = 0;

  constructor(options: ConsumeLoopOptions) {
    this.#options = options;
    this.#openedMs = options.clock.monotonicMs();
    this.#native = options.open();
  }

  get #isOpen(): boolean {
    return this.#state === 'running' || this.#state === 'closing';
  }

  /** Answers the doorbell. */
  turn(): void {
    if (this.#onRenewed !== undefined) this.#renewIfSettled();
    if (!this.#isOpen) return;
    const flags = this.#native.turn();
    if ((flags & CONSUMER_EVENTS) !== 0) {
      for (const event of this.#native.takeEvents()) if (this.#isOpen) this.#onEvent(event);
    }
    this.#onRoom((flags & CONSUMER_BLOCKED) === 0);
    if ((flags & CONSUMER_MORE) !== 0 && this.#isOpen) this.#options.wake();
  }

  /** Once a second. */
  onTick(): void {
    if (!this.#isOpen) return;
    const sinceMs = this.#blockedSinceMs;
    const nowMs = this.#options.clock.monotonicMs();
    if (this.#unansweredAtMs !== undefined && nowMs - this.#unansweredAtMs >= ANSWERED_MS)
      this.#well();
    if (!this.#paused && sinceMs !== undefined && nowMs - sinceMs >= PAUSE_AFTER_MS) {
      this.#paused = true;
      this.#native.pause();
    }
    this.turn();
  }

  onCommit({ offsets }: Omit<CommitOffsets, 'kind'>): void {
    const { post, routeIndex, errorName } = this.#reporting();
    this.#commit(offsets, (code) => {
      post({ kind: 'committed', routeIndex, code: code === 0 ? undefined : errorName(code) });
    });
  }

  onReleased({ revocation, offsets }: PartitionsReleased): void {
    if (this.#losses.delete(revocation)) this.#assignWaiting();
    const partitions = this.#revoking.get(revocation);
    if (partitions === undefined) return;
    this.#revoking.delete(revocation);
    this.#lastCommits++;
    this.#commitLast(offsets, (code) => {
      this.#lastCommits--;
      if (code !== 0) this.#tellUncommitted(partitions, code);
      this.#giveUp(partitions);
      this.#options.wake();
    });
  }

  /** Has the consumer log in with these from now on. Returns what is wrong, without the values. */
  logIn(kafkaCredentials: KafkaAccess['kafkaCredentials']): string | undefined {
    return this.#isOpen ? logIn(this.#native, kafkaCredentials) : undefined;
  }

  /**
   * Replaces the consumer by one that is opened anew. First main says what is settled, as at a revocation,
   * and that is committed. The group notices nothing: the next one has the same group.instance.id and
   * takes the partitions over. Resolves when it is replaced, or is going to be anyway.
   */
  renew(): Promise<void> {
    if (this.#state !== 'running') return Promise.resolve();
    return new Promise((resolve) => {
      const asked = new Set([...this.#revoking.values()].flat());
      const partitions = [...this.#assigned].filter((partition) => !asked.has(partition));
      if (partitions.length > 0) this.#onRevoke(partitions, false);
      this.#onRenewed = resolve;
      this.#options.wake();
    });
  }

  /** Commits, ends the membership, and resolves when the consumer is destroyed; within a bounded time. */
  async close(offsets: readonly PartitionOffset[]): Promise<void> {
    this.#cancelReopen();
    this.#endRenewal();
    if (this.#state === 'running') {
      this.#state = 'closing';
      // Main reads nothing any more.
      this.#losses.clear();
      this.#assignWaiting();
      await new Promise<void>((resolve) => this.#commitLast(offsets, () => resolve()));
      // What waits for main's word waits for nobody any more.
      for (const partitions of this.#revoking.values()) this.#giveUp(partitions);
      this.#revoking.clear();
      if (this.#isOpen) await this.#closeNative();
    }
    if (this.#isOpen) this.#native.destroy();
    this.#state = 'closed';
  }

  #closeNative(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(CLOSE_TIMEOUT_MS, resolve);
      this.#onClosed = () => {
        cancel();
        resolve();
      };
      this.#native.close();
      this.#options.wake();
    });
  }

  #reporting() {
    const { post, routeIndex, errorName } = this.#options;
    return { post, routeIndex, errorName };
  }

  #onRoom(hasRoom: boolean): void {
    if (!hasRoom) {
      this.#blockedSinceMs ??= this.#options.clock.monotonicMs();
      return;
    }
    this.#blockedSinceMs = undefined;
    if (!this.#paused || !this.#isOpen) return;
    this.#paused = false;
    this.#native.resume();
  }

  #onEvent(event: ConsumerEvent): void {
    switch (event.kind) {
      case EVENT_ASSIGN:
        this.#onAssign(event.partitions);
        break;
      case EVENT_REVOKE:
        this.#onRevoke(
          event.partitions.map(({ partition }) => partition),
          event.code !== 0,
        );
        break;
      case EVENT_COMMIT:
        this.#onCommitEnded(event);
        break;
      case EVENT_CLOSED:
        this.#onClosed();
        break;
      case EVENT_ERROR:
        this.#onError(event);
        break;
      case EVENT_LOG:
        this.#onLog(event);
        break;
      default:
        if (this.#isUnconnected && isConnected(event.text) === true) this.#well();
        this.#options.onStatistics(event.text);
    }
  }

  #onLog({ code, text }: ConsumerEvent): void {
    const { post, kafka, onFault } = this.#options;
    post({ kind: 'log', level: logLevelOf(code), text });
    const fault = connectionFault(text, kafka);
    if (fault === undefined) return;
    this.#fault = fault;
    onFault(fault);
    if (unansweredRequest(text) !== undefined) this.#onUnanswered(fault.detail);
  }

  /** Over a connection that is open, and the next one will be too: that alone makes it no better. */
  #onUnanswered(detail: string): void {
    const { post, routeIndex, clock, errorName } = this.#options;
    this.#unansweredAtMs = clock.monotonicMs();
    this.#trouble = true;
    this.#isUnconnected = false;
    post({ kind: 'consumer', routeIndex, code: errorName(TIMED_OUT), detail, stopped: false });
  }

  #onAssign(partitions: readonly PartitionOffset[]): void {
    if (this.#onRenewed !== undefined) return;
    if (this.#losses.size > 0) this.#waiting.push(...partitions);
    else this.#assign(partitions);
  }

  #assignWaiting(): void {
    if (this.#losses.size > 0 || this.#waiting.length === 0 || !this.#isOpen) return;
    const partitions = this.#waiting;
    this.#waiting = [];
    this.#assign(partitions);
  }

  #assign(partitions: readonly PartitionOffset[]): void {
    const { post, routeIndex } = this.#options;
    for (const { partition } of partitions) this.#assigned.add(partition);
    this.#native.assign(partitions);
    // Before any record of them is in the ring.
    post({
      kind: 'assigned',
      routeIndex,
      partitions: partitions.map(({ partition }) => partition),
    });
    if (partitions.length > 0) this.#well();
  }

  #onRevoke(partitions: readonly number[], lost: boolean): void {
    // Main was asked about all that there is, and librdkafka waits.
    if (this.#onRenewed !== undefined && !lost) return;
    const { post, routeIndex } = this.#options;
    this.#native.drop(partitions);
    const revocation = ++this.#revocations;
    if (lost) this.#losses.add(revocation);
    if (lost || this.#state === 'closing') this.#giveUp(partitions);
    else this.#revoking.set(revocation, partitions);
    post({ kind: 'revoking', routeIndex, revocation, partitions, lost });
  }

  /** Whoever gets them reads again what of them was acknowledged since the last commit. */
  #tellUncommitted(partitions: readonly number[], code: number): void {
    const { post, errorName } = this.#options;
    const names = partitions.join(', ');
    const text = `partitions ${names} are given up without their last commit: ${errorName(code)}`;
    post({ kind: 'log', level: 'warn', text });
  }

  #giveUp(partitions: readonly number[]): void {
    for (const partition of partitions) this.#assigned.delete(partition);
    // One that is replaced keeps what it has: the next one takes it over.
    if (this.#isOpen && this.#onRenewed === undefined) this.#native.unassign(partitions);
  }

  /** As `#commit`, and tried again for as long as a commit may take, where that may help: nobody else will. */
  #commitLast(offsets: readonly PartitionOffset[], onEnded: (code: number) => void): void {
    const { clock } = this.#options;
    const endMs = clock.monotonicMs() + COMMIT_TIMEOUT_MS;
    const attempt = () => {
      this.#commit(offsets, (code) => {
        const again = this.#isOpen && clock.monotonicMs() < endMs && commitMayPass(code);
        if (again) clock.after(COMMIT_RETRY_MS, attempt);
        else onEnded(code);
      });
    };
    attempt();
  }

  /** Commits what there is of partitions that we have; `onEnded` is called once, 0 for success. */
  #commit(offsets: readonly PartitionOffset[], onEnded: (code: number) => void): void {
    const owned = offsets.filter(({ partition }) => this.#assigned.has(partition));
    if (owned.length === 0 || !this.#isOpen) {
      onEnded(0);
      return;
    }
    const token = ++this.#tokens;
    const end = (code: number) => {
      this.#commits.get(token)?.cancelTimeout();
      if (this.#commits.delete(token)) onEnded(code);
    };
    const cancelTimeout = this.#options.clock.after(COMMIT_TIMEOUT_MS, () => end(TIMED_OUT));
    this.#commits.set(token, { onEnded: end, cancelTimeout });
    this.#native.commit(owned, token);
  }

  #onCommitEnded({ token, code }: ConsumerEvent): void {
    this.#commits.get(token)?.onEnded(code);
  }

  #onError(event: ConsumerEvent): void {
    const { post, routeIndex, errorName } = this.#options;
    const disposition = consumerDisposition(event.code, event.fatal);
    if (disposition === 'passing') {
      post({ kind: 'log', level: 'debug', text: event.text });
      return;
    }
    this.#trouble = true;
    this.#isUnconnected = isOfConnection(event.code);
    const stopped = disposition === 'stop';
    // First: a record that main still read would tell it that all is well.
    if (stopped || disposition === 'reopen') this.#fail(stopped);
    const code = errorName(event.code);
    const detail = (this.#isUnconnected ? this.#fault?.detail : undefined) ?? event.text;
    post({ kind: 'consumer', routeIndex, code, detail, stopped });
  }

  /** The consumer is of no use any more; whatever it had is lost, and others may have it already. */
  #fail(stopped: boolean): void {
    const { post, routeIndex, clock, onStatistics } = this.#options;
    const partitions = [...this.#assigned];
    const isClosing = this.#state === 'closing';
    this.#endRenewal();
    this.#assigned.clear();
    this.#revoking.clear();
    this.#waiting = [];
    this.#native.destroy();
    this.#state = stopped ? 'stopped' : 'failed';
    for (const { onEnded } of [...this.#commits.values()]) onEnded(TIMED_OUT);
    this.#losses.add(++this.#revocations);
    post({ kind: 'revoking', routeIndex, revocation: this.#revocations, partitions, lost: true });
    onStatistics(undefined);
    if (isClosing) this.#onClosed();
    if (stopped || isClosing) return;
    const lived = clock.monotonicMs() - this.#openedMs;
    this.#reopenMs =
      lived > HEALTHY_MS ? REOPEN_MS_MIN : Math.min(2 * this.#reopenMs, REOPEN_MS_MAX);
    this.#cancelReopen = clock.after(this.#reopenMs, () => this.#reopen());
  }

  /** Nothing that main was asked about is open, and every commit has ended. */
  #renewIfSettled(): void {
    if (this.#revoking.size > 0 || this.#lastCommits > 0 || this.#commits.size > 0) return;
    this.#native.destroy();
    this.#assigned.clear();
    this.#waiting = [];
    this.#reopen();
    this.#endRenewal();
  }

  #endRenewal(): void {
    this.#onRenewed?.();
    this.#onRenewed = undefined;
  }

  #reopen(): void {
    this.#openedMs = this.#options.clock.monotonicMs();
    this.#blockedSinceMs = undefined;
    this.#paused = false;
    this.#native = this.#options.open();
    this.#state = 'running';
    this.#options.wake();
  }

  #well(): void {
    if (!this.#trouble) return;
    this.#trouble = false;
    this.#isUnconnected = false;
    this.#unansweredAtMs = undefined;
    this.#fault = undefined;
    const { post, routeIndex } = this.#options;
    post({ kind: 'consumer', routeIndex, code: undefined, detail: '', stopped: false });
  }
}

/** librdkafka's _TIMED_OUT. */
const TIMED_OUT = -185;
