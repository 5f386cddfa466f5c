/* RecordFlow: one kafkaToMqtt route at work: the records it reads, the partitions they belong to, and which
 * offsets are committed. Main thread only.
 *
 *   in the ring --take--> under way --settle--> done        a record's place is free once it is done
 *                            |  ^
 *                  hold      v  |  due                      and all before it are
 *                           held
 *
 * 1. A record is settled once, and only then does its offset count (invariant 4 of the design).
 * 2. It stays in the ring until then; what the ring has room for is all that is held in memory.
 */
import type { Clock } from '../../base/clock.js';
import type { PartitionOffset, PartitionsRevoking } from '../../channel/protocol.js';
import type { OutgoingTopic } from '../../mqtt/send/outgoing-topics.js';
import type { Session } from '../../mqtt/session.js';
import type { RecordSource } from '../../shard/record-source.js';
import { HeldRecords } from './held-records.js';
import { OffsetCommits } from './offset-commits.js';
import { Partitions } from './partitions.js';
import type { RecordLedger } from './record-ledger.js';
import type { CompiledRecordRoute } from './record-routes.js';

export interface RecordFlowOptions {
  readonly route: CompiledRecordRoute;
  readonly source: RecordSource;
  /** The session that publishes; asked when the first record has come. */
  readonly sessionOf: (route: CompiledRecordRoute) => Session;
  readonly ledger: RecordLedger;
  readonly clock: Clock;
  readonly onDue: (flow: RecordFlow, topic: OutgoingTopic) => void;
  readonly onReleased: (
    flow: RecordFlow,
    revocation: number,
    offsets: readonly PartitionOffset[],
  ) => void;
  /** What keeps it from reading, and why; undefined: nothing does any more. */
  readonly onTrouble: (route: CompiledRecordRoute, detail: string | undefined) => void;
  readonly onCommit: (flow: RecordFlow, offsets: readonly PartitionOffset[]) => void;
}

export class RecordFlow {
  readonly route: CompiledRecordRoute;
  readonly source: RecordSource;
  readonly partitions: Partitions;
  readonly held: HeldRecords;
  /** Dead letters of its records that are not stored yet. */
  lettersWaiting = 0;
  readonly #ledger: RecordLedger;
  readonly #sessionOf: RecordFlowOptions['sessionOf'];
  #session: Session | undefined;
  readonly #commits: OffsetCommits;
  readonly #onTrouble: RecordFlowOptions['onTrouble'];
  #trouble = false;

  constructor(options: RecordFlowOptions) {
    const { route, source, clock } = options;
    this.route = route;
    this.source = source;
    this.#sessionOf = options.sessionOf;
    this.#ledger = options.ledger;
    this.#onTrouble = options.onTrouble;
    this.partitions = new Partitions({
      clock,
      revokeTimeoutMs: route.route.revokeTimeoutMs,
      onReleased: (revocation, offsets) => options.onReleased(this, revocation, offsets),
    });
    this.held = new HeldRecords(clock, options.ledger, (topic) => options.onDue(this, topic));
    this.#commits = new OffsetCommits({
      clock,
      intervalMs: route.route.qos === 0 ? 0 : route.route.commitIntervalMs,
      commit: () => {
        const offsets = this.partitions.takeCommits();
        if (offsets.length > 0) options.onCommit(this, offsets);
        return offsets.length > 0;
      },
    });
  }

  get session(): Session {
    this.#session ??= this.#sessionOf(this.route);
    return this.#session;
  }

  /** A record's end has come: PUBACK, written at QoS 0, dead letter, or nothing to send. */
  settle(delivery: number): void {
    const ledger = this.#ledger;
    const partition = ledger.partition(delivery);
    ledger.ring(delivery).release(ledger.position[delivery] as number);
    const moved = partition.tracker.settle(ledger.number[delivery] as number);
    ledger.close(delivery);
    if (moved && !partition.gone) this.#commits.onSettled();
  }

  /** The broker did not take a record that was under way, and may later. False: it is not ours any more. */
  hold(topic: OutgoingTopic, delivery: number): boolean {
    const isOurs = this.partitions.has(this.#ledger.partition(delivery));
    if (isOurs) this.held.hold(topic, delivery);
    else this.#forget(delivery);
    this.#countHeld();
    return isOurs;
  }

  /** A record for a topic that is held. */
  lineUp(topic: OutgoingTopic, delivery: number): void {
    this.held.lineUp(topic, delivery);
    this.#countHeld();
  }

  /** The first held record of a topic, which is tried now. */
  takeHeld(topic: OutgoingTopic): number | undefined {
    const delivery = this.held.first(topic);
    this.#countHeld();
    return delivery;
  }

  /** What its consumer cannot do. */
  onTrouble(detail: string): void {
    this.#trouble = true;
    this.route.events.troubled(detail);
    this.#onTrouble(this.route, detail);
  }

  /** What is held takes all the room there is, with what was settled behind it. */
  onStalled(): void {
    this.onTrouble(
      `its ring is full behind ${this.held.count} held records: the broker answered ` +
        'No matching subscribers or Quota exceeded',
    );
  }

  /** It reads, or may. */
  onWell(): void {
    if (!this.#trouble) return;
    this.#trouble = false;
    this.route.events.troubled(undefined);
    this.#onTrouble(this.route, undefined);
  }

  onAssigned(partitions: readonly number[]): void {
    this.partitions.onAssigned(partitions);
    this.route.events.partitionsAssigned(partitions, this.partitions.count);
  }

  onRevoking(message: PartitionsRevoking): void {
    this.source.ring.discard(new Set(message.partitions));
    const left = this.partitions.onRevoking(message);
    for (const delivery of this.held.drop(left)) this.#forget(delivery);
    this.source.ring.wakeWriter();
    this.#countHeld();
    this.route.events.partitionsRevoked(message.partitions, this.partitions.count, message.lost);
  }

  onCommitted(code: string | undefined): void {
    this.route.events.committed(code);
    if (code !== undefined) this.partitions.onCommitFailed();
    this.#commits.onAnswered(code === undefined);
  }

  /** Its worker has ended: whatever it had read comes again. */
  onLost(): void {
    this.partitions.onLost();
    for (const delivery of this.held.close()) this.#forget(delivery);
    this.#commits.onLost();
    this.#countHeld();
    this.route.events.counters.partitionsAssigned = 0;
    // What its consumer could not do ended with it.
    this.onWell();
  }

  /** Nothing is tried again; what can be committed is the last word. */
  close(): readonly PartitionOffset[] {
    this.held.close();
    this.#commits.close();
    return this.partitions.close();
  }

  /** Nobody's concern any more: its place is free, and no offset moves. */
  #forget(delivery: number): void {
    this.#ledger.ring(delivery).release(this.#ledger.position[delivery] as number);
    this.#ledger.close(delivery);
  }

  #countHeld(): void {
    this.route.events.counters.recordsHeldNow = this.held.count;
  }
}
