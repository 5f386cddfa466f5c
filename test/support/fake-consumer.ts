import assert from 'node:assert/strict';
import {
  CONSUMER_EVENTS,
  type Consumer,
  type ConsumerEvent,
  EVENT_ASSIGN,
  EVENT_CLOSED,
  EVENT_COMMIT,
  EVENT_ERROR,
  EVENT_LOG,
  EVENT_REVOKE,
  EVENT_STATISTICS,
  OFFSET_STORED,
  type PartitionOffset,
} from '../../src/kafka/addon.js';

/* The addon's consumer without librdkafka and Kafka: what happens in its group, and when, is the test's
 * to say. As the addon does, it refuses every call once it is destroyed. */

export interface FakeCommit {
  readonly token: number;
  readonly offsets: readonly PartitionOffset[];
}

export class FakeConsumer implements Consumer {
  /** What was called, in order: `assign 0,1`, `drop 0`, `pause`. */
  readonly calls: string[] = [];
  /** Those that were not answered. */
  readonly commits: FakeCommit[] = [];
  /** What `turn` says beside CONSUMER_EVENTS. */
  flags = 0;
  destroyed = false;
  /** Whether `close` ends at once. */
  closesAtOnce = true;
  #events: ConsumerEvent[] = [];

  // What a test does.

  assigned(...partitions: number[]): void {
    this.#event({ kind: EVENT_ASSIGN, partitions: partitions.map(stored) });
  }

  revoked(...partitions: number[]): void {
    this.#event({ kind: EVENT_REVOKE, partitions: partitions.map(stored) });
  }

  lost(...partitions: number[]): void {
    this.#event({ kind: EVENT_REVOKE, code: 1, partitions: partitions.map(stored) });
  }

  error(code: number, fatal = false, text = 'made up by a test'): void {
    this.#event({ kind: EVENT_ERROR, code, fatal, text });
  }

  log(text: string): void {
    this.#event({ kind: EVENT_LOG, code: 3, text });
  }

  statistics(json: string): void {
    this.#event({ kind: EVENT_STATISTICS, text: json });
  }

  /** Answers the oldest commit. */
  committed(code = 0): FakeCommit {
    const commit = this.commits.shift();
    assert(commit !== undefined, 'no commit is under way');
    this.#event({ kind: EVENT_COMMIT, code, token: commit.token });
    return commit;
  }

  closed(): void {
    this.#event({ kind: EVENT_CLOSED });
  }

  /** The calls since the last time. */
  takeCalls(): string[] {
    return this.calls.splice(0);
  }

  // What the loop calls.

  turn(): number {
    this.#open();
    return this.flags | (this.#events.length > 0 ? CONSUMER_EVENTS : 0);
  }

  takeEvents(): ConsumerEvent[] {
    this.#open();
    return this.#events.splice(0);
  }

  assign(partitions: readonly PartitionOffset[]): void {
    this.#call('assign', partitions.map(({ partition }) => partition).join());
  }

  unassign(partitions: readonly number[]): void {
    this.#call('unassign', partitions.join());
  }

  drop(partitions: readonly number[]): void {
    this.#call('drop', partitions.join());
  }

  commit(offsets: readonly PartitionOffset[], token: number): void {
    this.#call('commit', offsets.map(({ partition, offset }) => `${partition}:${offset}`).join());
    this.commits.push({ token, offsets });
  }

  setCredentials(username: string, password: string): undefined {
    this.#call('login', username, password);
  }

  setToken(value: string, expiresAtMs: number): undefined {
    this.#call('token', value, String(expiresAtMs));
  }

  pause(): void {
    this.#call('pause');
  }

  resume(): void {
    this.#call('resume');
  }

  close(): void {
    this.#call('close');
    if (this.closesAtOnce) this.closed();
  }

  destroy(): void {
    this.#call('destroy');
    this.destroyed = true;
  }

  #call(...words: string[]): void {
    this.#open();
    this.calls.push(words.join(' '));
  }

  #open(): void {
    assert(!this.destroyed, 'a destroyed consumer is called');
  }

  #event(event: Partial<ConsumerEvent> & { readonly kind: number }): void {
    this.#events.push({ code: 0, fatal: false, token: 0, partitions: [], text: '', ...event });
  }
}

function stored(partition: number): PartitionOffset {
  return { partition, offset: OFFSET_STORED };
}
