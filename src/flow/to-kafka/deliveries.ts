/* Deliveries: from the promise to a sender to its PUBACK. What is opened for a PUBLISH here is settled here,
 * part by part, and what the parts became turns into an acknowledgement. Main thread only.
 *
 * 1. One PUBLISH is one delivery, acknowledged when its last part is settled; PUBACKs leave in the order of
 *    arrival (mqtt/receive/inflight.ts), with the next `flush`.
 * 2. A delivery holds its credit and its region of the slab from `open` until its last part is settled,
 *    whatever became of its connection.
 */
import type { Clock } from '../../base/clock.js';
import { ABANDONED, DELIVERED, type Settlement } from '../../channel/settlement-ring.js';
import {
  DEAD_LETTERED,
  type Ledger,
  NO_REGION,
  NO_SHARD,
  type Outcome,
  PART_EXPIRED,
  PERSISTED,
  SEVERAL_SHARDS,
  UNKNOWN,
} from '../../delivery/ledger.js';
import type { ConnectorEvents } from '../../metrics/events.js';
import type { Qos0LossReason } from '../../metrics/reasons.js';
import { IMPLEMENTATION_SPECIFIC_ERROR, SUCCESS } from '../../mqtt/reason-code.js';
import { ABSENT, type Publish } from '../../mqtt/receive/publish.js';
import type { Topic } from '../../mqtt/receive/topic-cache.js';
import type { Session } from '../../mqtt/session.js';
import type { SessionSlab } from '../../ring/session-slab.js';
import { countOutcome } from './counts.js';
import { DeliveryCredit } from './delivery-credit.js';
import type { Match } from './routes.js';

const UNKNOWN_FATE = 'a record may be in Kafka or not: its redelivery is awaited';
/** Stands for a delivery that is settled the moment it is opened. */
const SETTLED_AT_ONCE = 0x7ffffffe;

export interface DeliveriesOptions {
  readonly ledger: Ledger<Match>;
  readonly slab: SessionSlab;
  readonly sessions: readonly Session[];
  /** How many they are; `sessions` fills up later. */
  readonly sessionCount: number;
  readonly events: ConnectorEvents;
  readonly clock: Clock;
}

export class Deliveries {
  readonly #options: DeliveriesOptions;
  readonly #credit: DeliveryCredit;
  /** By delivery, where its records are in several shards: the shard of each open part. */
  readonly #severalShards = new Map<number, number[]>();
  readonly #unflushed = new Set<Session>();
  /** Why a QoS 0 message of unknown fate is lost, at this moment. */
  #qos0LossReason: Qos0LossReason = 'deliveryFailed';
  /** When what is opened now came, on the monotonic clock. */
  nowMs = 0;
  /** When the settlements at hand came; 0 between bursts. */
  #settledMs = 0;

  constructor(options: DeliveriesOptions) {
    this.#options = options;
    this.#credit = new DeliveryCredit(options.sessionCount);
  }

  /** Deliveries of QoS 0 that are open. */
  get qos0Open(): number {
    return this.#credit.qos0Open;
  }

  onBatchStart(): void {
    this.nowMs = this.#options.clock.monotonicMs();
  }

  /** Whether the ledger has room, and the session not more than its share of the rest. */
  mayOpen(session: Session, { qos, topic }: Publish): boolean {
    if (this.#options.ledger.full) return false;
    return this.#credit.mayOpen(session.options.index, qos === 0, topic as Topic);
  }

  /** Opens a delivery of `parts` records and returns its id. It owns the region of the payload. */
  open(session: Session, publish: Publish, parts: number, match: Match): number {
    const region = publish.slabOffset === ABSENT ? NO_REGION : publish.slabOffset;
    const { index } = session.options;
    const { ledger } = this.#options;
    const id = ledger.open(index, publish.packetId, parts, region, this.nowMs, match);
    if (publish.qos === 1) {
      session.inflight.open(publish.packetId, id, publish.expirySeconds >= 0);
    }
    this.#credit.open(index, publish.qos === 0, match.topic);
    return id;
  }

  /** Which shard has its only record. */
  inShard(id: number, shard: number): void {
    this.#options.ledger.shard[id] = shard;
  }

  /** Which shard has each of its records. */
  inShards(id: number, shards: number[]): void {
    this.#options.ledger.shard[id] = SEVERAL_SHARDS;
    this.#severalShards.set(id, shards);
  }

  /** Nothing becomes a record: acknowledged in its turn, counted by who calls. */
  settleAtOnce(session: Session, publish: Publish): void {
    if (publish.slabOffset !== ABSENT) this.#options.slab.release(publish.slabOffset);
    if (publish.qos === 0) return;
    session.inflight.open(publish.packetId, SETTLED_AT_ONCE);
    session.inflight.settle(publish.packetId, SETTLED_AT_ONCE, SUCCESS);
    this.#options.events.pubackSent(SUCCESS);
  }

  /** What became of one record that a shard had. */
  onSettled(shard: number, id: number, settlement: Settlement): void {
    this.#settleIn(shard, id, outcomeOf(settlement));
  }

  /** What became of one part that no shard has, or none any more. */
  settle(id: number, outcome: Outcome): void {
    const { ledger } = this.#options;
    if (ledger.settle(id, outcome)) this.#finish(id);
    else if (outcome === UNKNOWN) this.#disown(id);
  }

  /** One part is the shard's concern no more: if its worker dies now, the part is not lost. */
  detach(shard: number, id: number): void {
    const { ledger } = this.#options;
    const open = this.#severalShards.get(id);
    if (open === undefined) {
      ledger.shard[id] = NO_SHARD;
      return;
    }
    open.splice(open.indexOf(shard), 1);
    if (open.length === 0) this.#severalShards.delete(id);
  }

  /** After a burst of settlements: PUBACKs leave. */
  flush(): void {
    this.#settledMs = 0;
    for (const session of this.#unflushed) session.flush();
    this.#unflushed.clear();
  }

  /** A worker has ended: whatever it had is of unknown fate (invariant 8). */
  onShardLost(shard: number): void {
    const { ledger } = this.#options;
    this.#qos0LossReason = 'workerDied';
    for (let id = 0; id < ledger.capacity; id++) {
      for (let left = this.#openIn(shard, id); left > 0; left--) this.#settleIn(shard, id, UNKNOWN);
    }
    this.#qos0LossReason = 'deliveryFailed';
  }

  /** Ends the connections with open records in a shard, unacknowledged. */
  reconnectOwners(shard: number, reason: string): void {
    const { ledger, sessions } = this.#options;
    const owners = new Set<number>();
    for (let id = 0; id < ledger.capacity; id++) {
      if (this.#openIn(shard, id) > 0) owners.add(ledger.sessionIndex[id] as number);
    }
    for (const index of owners) sessions[index]?.reconnect(reason);
  }

  /** The drain is over: nobody sends again what is still open of QoS 0. Returns what is open in all. */
  onDrainTimeout(): number {
    const { ledger, events } = this.#options;
    let lost = 0;
    for (let id = 0; id < ledger.capacity; id++) {
      if (ledger.isOpen(id) && ledger.packetId[id] === 0) lost++;
    }
    events.qos0Lost(lost, 'drainTimeout');
    return ledger.openCount;
  }

  /** How many records of a delivery a shard has. */
  #openIn(shard: number, id: number): number {
    const { ledger } = this.#options;
    if (!ledger.isOpen(id)) return 0;
    if (ledger.shard[id] === shard) return 1;
    return this.#severalShards.get(id)?.filter((index) => index === shard).length ?? 0;
  }

  #settleIn(shard: number, id: number, outcome: Outcome): void {
    if (this.#options.ledger.shard[id] === SEVERAL_SHARDS) this.detach(shard, id);
    this.settle(id, outcome);
  }

  /**
   * One part is of unknown fate and others are open. The connection ends now: what is behind this
   * message must not go before its redelivery, which is no part of this delivery any more.
   */
  #disown(id: number): void {
    const { ledger, sessions } = this.#options;
    const packetId = ledger.packetId[id] as number;
    const session = sessions[ledger.sessionIndex[id] as number] as Session;
    if (packetId !== 0 && session.inflight.disown(packetId, id)) session.reconnect(UNKNOWN_FATE);
  }

  /** The last part is settled: the delivery gives back what it held, and is counted. */
  #finish(id: number): void {
    const { ledger, sessions, slab } = this.#options;
    const outcome = ledger.outcome(id);
    const match = ledger.context(id);
    const region = ledger.region[id] as number;
    const packetId = ledger.packetId[id] as number;
    const session = sessions[ledger.sessionIndex[id] as number] as Session;
    if (this.#settledMs === 0) this.#settledMs = this.#options.clock.monotonicMs();
    const latencyMs = this.#settledMs - (ledger.openedMs[id] as number);
    ledger.close(id);
    this.#credit.close(session.options.index, packetId === 0, match.topic);
    if (region !== NO_REGION) slab.release(region);
    countOutcome(match, outcome, latencyMs);
    if (packetId !== 0) this.#acknowledge(session, packetId, id, outcome);
    else if (outcome === UNKNOWN) this.#options.events.qos0Lost(1, this.#qos0LossReason);
  }

  /** The outcome becomes a PUBACK, or the end of the connection. */
  #acknowledge(session: Session, packetId: number, id: number, outcome: Outcome): void {
    const { events } = this.#options;
    if (outcome === UNKNOWN) {
      events.messageUnconfirmed();
      if (session.inflight.abandon(packetId, id)) session.reconnect(UNKNOWN_FATE);
      return;
    }
    const reasonCode = outcome === DEAD_LETTERED ? IMPLEMENTATION_SPECIFIC_ERROR : SUCCESS;
    session.inflight.settle(packetId, id, reasonCode);
    events.pubackSent(reasonCode);
    this.#unflushed.add(session);
  }
}

function outcomeOf(settlement: Settlement): Outcome {
  if (settlement === DELIVERED) return PERSISTED;
  return settlement === ABANDONED ? UNKNOWN : PART_EXPIRED;
}
