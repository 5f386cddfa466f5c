/* MQTT -> Kafka, end to end; start reading here. Main thread only.
 *
 *   onPublish   a PUBLISH -> its routes -> a frame for each, in its shard's ring; a delivery is opened
 *   onSettled   what became of a record -> last part of its delivery? -> PUBACK
 *
 * Between the two lie worker/produce-loop.ts and the addon. Everything is a direct call; no promise,
 * closure or object is made for a message, but for those that go to the dead-letter store.
 */
import { readFrame } from '../channel/frame.js';
import type { FromWorker, ProducerLost } from '../channel/protocol.js';
import { ABANDONED, DELIVERED, type Settlement } from '../channel/settlement-ring.js';
import { FRAME_RING_BYTES } from '../config/limits.js';
import {
  DEAD_LETTERED,
  NO_REGION,
  NO_SHARD,
  type Outcome,
  PART_EXPIRED,
  PERSISTED,
  SEVERAL_SHARDS,
  UNKNOWN,
} from '../delivery/ledger.js';
import type { HoldReason, Qos0LossReason } from '../metrics/reasons.js';
import { countDelivered, countReceived, countSent } from '../metrics/route-traffic.js';
import { IMPLEMENTATION_SPECIFIC_ERROR, SUCCESS } from '../mqtt/reason-code.js';
import type { OversizeSink } from '../mqtt/receive/oversize.js';
import { ABSENT, type Publish } from '../mqtt/receive/publish.js';
import type { Topic } from '../mqtt/receive/topic-cache.js';
import type { Session } from '../mqtt/session.js';
import { deadlineOf, frameBytesMax, loops, writeFrame } from '../route/to-kafka.js';
import type { Shard } from '../shard/shard.js';
import type { Target } from '../shard/targets.js';
import { DeadLettering, type DeadLetteringOptions } from './to-kafka/dead-lettering.js';
import { DeliveryCredit } from './to-kafka/delivery-credit.js';
import type { RouteTable } from './to-kafka/route-table.js';
import {
  type CompiledRoute,
  constantTarget,
  type Fault,
  type Match,
  matchOf,
  type Planned,
  plannedBytes,
  planTopic,
  shardIndexOf,
  targetOf,
} from './to-kafka/routes.js';
import { SharedPayload } from './to-kafka/shared-payload.js';

const UNKNOWN_FATE = 'a record may be in Kafka or not: its redelivery is awaited';
/** How often a session that waits for credit looks again, where nothing tells it that there is some. */
const LOOK_AGAIN_MS = 20;
/** Stands for a delivery that is settled the moment it is opened. */
const SETTLED_AT_ONCE = 0x7ffffffe;

export interface MqttToKafkaOptions extends Omit<DeadLetteringOptions, 'onStored'> {
  readonly instanceId: number;
  readonly shards: readonly Shard[];
  readonly routes: RouteTable;
  readonly sessions: readonly Session[];
  /** How many they are; `sessions` fills up later. */
  readonly sessionCount: number;
  /** After a burst of settlements. */
  readonly onBurstEnd: () => void;
}

export class MqttToKafka {
  readonly #options: MqttToKafkaOptions;
  /** Parts of the PUBLISH at hand: what each route makes of it; the first `#partCount` hold. Arrays
   * only grow: to set the length of one is a call into V8's runtime. */
  readonly #parts: Planned[] = [];
  #partCount = 0;
  readonly #partTargets: Target[] = [];
  readonly #partShards: Shard[] = [];
  /** And the parts that cannot become records. */
  readonly #faulty: { planned: Planned; fault: Fault }[] = [];
  /** By delivery, where its records are in several shards: the shard of each open part. */
  readonly #severalShards = new Map<number, number[]>();
  readonly #unflushed = new Set<Session>();
  /** Shards that wait for a barrier, once there is room for it, and the loss that it answers. */
  readonly #barriers = new Map<Shard, number>();
  readonly #deadLettering: DeadLettering;
  /** Whether a look at who waits is due. */
  #looking = false;
  #stopped = false;
  readonly #credit: DeliveryCredit;
  /** Why a QoS 0 message of unknown fate is lost, at this moment. */
  #qos0LossReason: Qos0LossReason = 'deliveryFailed';
  /** Targets whose records a shard holds back. */
  readonly #held = new Map<Shard, Set<number>>();
  #nowMs = 0;
  /** When the settlements at hand came; 0 between bursts. */
  #settledMs = 0;
  readonly #sharedPayload: SharedPayload;
  /** Which shard takes records that belong to none, for the batch at hand. */
  #turn = 0;

  constructor(options: MqttToKafkaOptions) {
    this.#options = options;
    this.#credit = new DeliveryCredit(options.sessionCount);
    this.#sharedPayload = new SharedPayload(options.slab);
    this.#deadLettering = new DeadLettering({
      ...options,
      onStored: (id, stored) => {
        this.#settle(id, stored ? DEAD_LETTERED : UNKNOWN);
        this.onBurstEnd();
      },
    });
  }

  onBatchStart(): void {
    this.#nowMs = this.#options.clock.monotonicMs();
    this.#turn = (this.#turn + 1) % this.#options.shards.length;
  }

  /** Shows the workers what the batch brought. */
  onBatchEnd(): void {
    for (const shard of this.#options.shards) shard.publish();
    this.#lookAgain();
  }

  /** Deliveries of QoS 0 that are open. */
  get qos0Open(): number {
    return this.#credit.qos0Open;
  }

  /** Takes a PUBLISH. False: no room or credit now, nothing has happened. */
  onPublish(session: Session, publish: Publish): boolean {
    const { routes } = this.#options;
    if (!this.#mayOpen(session, publish)) return false;
    const topic = publish.topic as Topic;
    const sole = soleOf(session, topic, publish);
    if (sole !== undefined) {
      this.#parts[0] = sole;
      this.#partCount = 1;
      return this.#send(session, publish);
    }
    const matched = routes.match(session.options.index, publish);
    if (matched.length === 0) {
      this.#options.events.publishUnrouted(topic.name);
      this.#settleAtOnce(session, publish);
      return true;
    }
    const parts = this.#parts;
    this.#partCount = 0;
    for (const route of matched) {
      if (passesBy(route, publish)) continue;
      const known = topic.derivedOf(route.index) as Planned | undefined;
      parts[this.#partCount++] = known ?? this.#plan(route, publish);
    }
    if (matched.length === 1 && this.#partCount === 1 && publish.subscriptionIds === 1) {
      const subscriptionId = publish.subscriptionId[0] as number;
      topic.keepSole(session.options.index, subscriptionId, parts[0]);
    }
    const passedBy = matched.length - this.#partCount;
    if (!this.#send(session, publish)) return false;
    if (passedBy > 0) countPassedBy(matched, publish);
    return true;
  }

  /** Sends the parts of a PUBLISH. False: no room or credit now, nothing has happened. */
  #send(session: Session, publish: Publish): boolean {
    if (this.#partCount === 0) {
      this.#settleAtOnce(session, publish);
      return true;
    }
    this.#locate(publish);
    return this.#partCount === 1 && this.#faulty.length === 0
      ? this.#sendOne(session, publish)
      : this.#sendSeveral(session, publish);
  }

  /** Takes a payload over the limit to the dead-letter store. Undefined: no credit now. */
  onOversize(session: Session, publish: Publish): OversizeSink | undefined {
    const { routes } = this.#options;
    if (!this.#mayOpen(session, publish)) return undefined;
    const topic = publish.topic as Topic;
    const match = matchOf(topic, routes.match(session.options.index, publish));
    const id = this.#open(session, publish, 1, match);
    match.routes[0]?.events.publishReceived(publish.payloadBytes);
    return this.#deadLettering.oversize(publish, match, id);
  }

  /** A redelivery of what is under way already. */
  onJoined(publish: Publish): void {
    this.#options.events.redeliveryJoined();
    if (publish.slabOffset !== ABSENT) this.#options.slab.release(publish.slabOffset);
  }

  /** Nothing is tried again any more. */
  stop(): void {
    this.#stopped = true;
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

  /** What became of one record. */
  onSettled(shard: Shard, deliveryId: number, settlement: Settlement): void {
    const outcome =
      settlement === DELIVERED ? PERSISTED : settlement === ABANDONED ? UNKNOWN : PART_EXPIRED;
    this.#settlePart(shard, deliveryId, outcome);
  }

  /** After a burst of settlements: PUBACKs leave, and who waited for credit reads on. */
  onBurstEnd(): void {
    for (const [shard, loss] of this.#barriers) {
      if (shard.control({ kind: 'barrier', loss })) this.#barriers.delete(shard);
    }
    this.#settledMs = 0;
    for (const session of this.#unflushed) session.flush();
    this.#unflushed.clear();
    this.resumeReading();
    this.#options.onBurstEnd();
    this.#lookAgain();
  }

  /**
   * Room comes back in ways that tell nobody: a worker reads on in its ring and settles nothing, a
   * region of the slab is released by another session. So while a session waits, or a barrier does,
   * it is tried again every now and then.
   */
  #lookAgain(): void {
    const { sessions, clock } = this.#options;
    if (this.#looking || this.#stopped) return;
    if (this.#barriers.size === 0 && !sessions.some((session) => session.paused)) return;
    this.#looking = true;
    clock.after(LOOK_AGAIN_MS, () => {
      this.#looking = false;
      this.onBurstEnd();
    });
  }

  resumeReading(): void {
    for (const session of this.#options.sessions) if (session.paused) session.resume();
  }

  onMessage(shard: Shard, message: FromWorker): void {
    if (message.kind === 'refused') this.#onRefused(shard, message.frame, message.code);
    else if (message.kind === 'held') this.#onHeld(shard, message.targetId, message.code);
    else if (message.kind === 'producerLost') this.#onProducerLost(shard, message);
    else if (message.kind === 'ready') this.#onReady(shard);
  }

  /** Opens what is known before the first message, so that a Kafka that is away shows at once. */
  #onReady(shard: Shard): void {
    const { targets, instanceId, routes } = this.#options;
    for (const route of routes.all) {
      const target = constantTarget(route, targets, instanceId);
      if (target !== undefined) targets.tell(target, shard);
    }
    shard.publish();
    this.resumeReading();
  }

  /** A worker has ended: whatever it had is of unknown fate (invariant 8). */
  onShardLost(shard: Shard): void {
    this.#barriers.delete(shard);
    for (const targetId of this.#held.get(shard) ?? []) this.#onHeld(shard, targetId, undefined);
    const { ledger } = this.#options;
    this.#qos0LossReason = 'workerDied';
    for (let id = 0; id < ledger.capacity; id++) {
      if (!ledger.isOpen(id)) continue;
      if (ledger.shard[id] === shard.index) this.#settlePart(shard, id, UNKNOWN);
      else {
        const lost = this.#severalShards.get(id)?.filter((index) => index === shard.index) ?? [];
        for (const _ of lost) this.#settlePart(shard, id, UNKNOWN);
      }
    }
    this.#qos0LossReason = 'deliveryFailed';
  }

  #plan(route: CompiledRoute, publish: Publish): Planned {
    const { targets, shards, instanceId } = this.#options;
    const topic = publish.topic as Topic;
    const planned = planTopic(route, topic, targets, shards.length, instanceId);
    topic.keep(route.index, planned, plannedBytes(planned));
    return planned;
  }

  /** Finds target and shard of each part; what cannot become a record leaves the parts. */
  #locate(publish: Publish): void {
    const { targets, shards, instanceId } = this.#options;
    const parts = this.#parts;
    if (this.#faulty.length > 0) this.#faulty.length = 0;
    let count = 0;
    for (let i = 0; i < this.#partCount; i++) {
      const planned = parts[i] as Planned;
      const target = targetOf(planned, publish, targets, instanceId);
      if ('reason' in target) {
        this.#faulty.push({ planned, fault: target });
        continue;
      }
      const index = shardIndexOf(planned, publish, shards.length);
      this.#partTargets[count] = target;
      this.#partShards[count] = shards[index < 0 ? this.#turn : index] as Shard;
      parts[count++] = planned;
    }
    this.#partCount = count;
  }

  /** The hot path: one route. */
  #sendOne(session: Session, publish: Publish): boolean {
    const planned = this.#parts[0] as Planned;
    const target = this.#partTargets[0] as Target;
    const shard = this.#partShards[0] as Shard;
    if (this.#barriers.has(shard) || !this.#options.targets.tell(target, shard)) return false;
    const offset = shard.reserve(session.options.index, frameBytesMax(planned.plan, publish));
    if (offset < 0) return false;
    const id = this.#open(session, publish, 1, planned.match);
    this.#options.ledger.shard[id] = shard.index;
    this.#write(planned, target, shard, offset, publish, id);
    return true;
  }

  /** Several routes: room for all of them first, so that nothing is ever half sent. */
  #sendSeveral(session: Session, publish: Publish): boolean {
    const { targets, ledger } = this.#options;
    const { index } = session.options;
    if (!this.#sharedPayload.move(index, publish)) return false;
    const frameBytes = this.#boundParts(publish);
    if (this.#faulty.length > 0 && !this.#options.desk.hasRoom)
      return this.#sharedPayload.undo(publish);
    const parts = this.#parts.slice(0, this.#partCount);
    for (let i = 0; i < parts.length; i++) {
      const shard = this.#partShards[i] as Shard;
      if (this.#barriers.has(shard)) return this.#sharedPayload.undo(publish);
      if (!targets.tell(this.#partTargets[i] as Target, shard))
        return this.#sharedPayload.undo(publish);
      if (!shard.hasRoom(index, parts.length, frameBytes)) return this.#sharedPayload.undo(publish);
    }
    const planned = [...parts, ...this.#faulty.map((faulty) => faulty.planned)];
    const matched = planned.map(({ route }) => route);
    const match = matchOf(publish.topic as Topic, matched);
    const id = this.#open(session, publish, match.routes.length, match);
    this.#sharedPayload.handOver();
    if (parts.length > 0) {
      const shards = parts.map((_, i) => (this.#partShards[i] as Shard).index);
      ledger.shard[id] = SEVERAL_SHARDS;
      this.#severalShards.set(id, shards);
    }
    for (let i = 0; i < parts.length; i++) {
      const planned = parts[i] as Planned;
      const shard = this.#partShards[i] as Shard;
      const offset = shard.frames.reserve(frameBytesMax(planned.plan, publish));
      this.#write(planned, this.#partTargets[i] as Target, shard, offset, publish, id);
    }
    for (const { planned, fault } of this.#faulty) {
      planned.route.events.publishReceived(publish.payloadBytes);
      this.#deadLettering.part(publish, match, planned.route, fault, id);
    }
    return true;
  }

  /**
   * How long the frames of all parts are together. Where that is more than a ring can ever have room
   * for, the parts become faulty: they would wait for ever.
   */
  #boundParts(publish: Publish): number {
    let frameBytes = 0;
    for (let i = 0; i < this.#partCount; i++) {
      frameBytes += frameBytesMax((this.#parts[i] as Planned).plan, publish);
    }
    if (2 * frameBytes <= FRAME_RING_BYTES) return frameBytes;
    const message = `${this.#partCount} routes make records of ${frameBytes} bytes of one message`;
    for (let i = 0; i < this.#partCount; i++) {
      const planned = this.#parts[i] as Planned;
      this.#faulty.push({ planned, fault: { reason: 'oversize', message } });
    }
    this.#partCount = 0;
    return 0;
  }

  /** Whether the ledger has room, and the session not more than its share of the rest. */
  #mayOpen(session: Session, { qos, topic }: Publish): boolean {
    if (this.#options.ledger.full) return false;
    return this.#credit.mayOpen(session.options.index, qos === 0, topic as Topic);
  }

  #open(session: Session, publish: Publish, parts: number, match: Match): number {
    const region = publish.slabOffset === ABSENT ? NO_REGION : publish.slabOffset;
    const { index } = session.options;
    const { ledger } = this.#options;
    const id = ledger.open(index, publish.packetId, parts, region, this.#nowMs, match);
    if (publish.qos === 1) {
      session.inflight.open(publish.packetId, id, publish.expirySeconds >= 0);
    }
    this.#credit.open(index, publish.qos === 0, match.topic);
    return id;
  }

  #write(
    planned: Planned,
    target: Target,
    shard: Shard,
    offset: number,
    publish: Publish,
    id: number,
  ): void {
    const { traffic, trafficAt } = planned.match;
    countReceived(traffic as Float64Array, trafficAt, publish.payloadBytes);
    countSent(traffic as Float64Array, trafficAt);
    const deadlineMs = publish.expirySeconds < 0 ? 0 : deadlineOf(publish, this.#nowMs);
    const { frames } = shard;
    const bytes = writeFrame(frames, offset, planned.plan, publish, id, target.id, deadlineMs);
    shard.commit(this.#options.ledger.sessionIndex[id] as number, bytes);
    if (planned.keyProperty !== undefined && !hasKey(frames.words, offset)) {
      planned.route.events.keyMissing();
    }
  }

  #settlePart(shard: Shard, id: number, outcome: Outcome): void {
    if (this.#options.ledger.shard[id] === SEVERAL_SHARDS) this.#detach(shard, id);
    this.#settle(id, outcome);
  }

  /** One part is the shard's concern no more: if its worker dies now, the part is not lost. */
  #detach(shard: Shard, id: number): void {
    const { ledger } = this.#options;
    const open = this.#severalShards.get(id);
    if (open === undefined) {
      ledger.shard[id] = NO_SHARD;
      return;
    }
    open.splice(open.indexOf(shard.index), 1);
    if (open.length === 0) this.#severalShards.delete(id);
  }

  #settle(id: number, outcome: Outcome): void {
    const { ledger } = this.#options;
    if (ledger.settle(id, outcome)) this.#finish(id);
    else if (outcome === UNKNOWN) this.#disown(id);
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

  /** The last part is settled: the outcome becomes an acknowledgement. */
  #finish(id: number): void {
    const { ledger, sessions, slab, events } = this.#options;
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
    if (outcome === PERSISTED && match.traffic !== undefined) {
      countDelivered(match.traffic, match.trafficAt, latencyMs);
    } else
      for (const route of match.routes) {
        if (outcome === PERSISTED) route.events.recordDelivered(latencyMs);
        else if (outcome === PART_EXPIRED) route.events.messageExpired();
      }
    if (packetId === 0) {
      if (outcome === UNKNOWN) events.qos0Lost(1, this.#qos0LossReason);
      return;
    }
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

  /** Nothing becomes a record: acknowledged in its turn, counted by who calls. */
  #settleAtOnce(session: Session, publish: Publish): void {
    if (publish.slabOffset !== ABSENT) this.#options.slab.release(publish.slabOffset);
    if (publish.qos === 0) return;
    session.inflight.open(publish.packetId, SETTLED_AT_ONCE);
    session.inflight.settle(publish.packetId, SETTLED_AT_ONCE, SUCCESS);
    this.#options.events.pubackSent(SUCCESS);
  }

  /** Kafka refused a record that was sent alone. */
  #onRefused(shard: Shard, frame: Uint8Array, code: string): void {
    const { slab, clock } = this.#options;
    const record = readFrame(frame, slab.bytes, clock.monotonicMs());
    this.#detach(shard, record.deliveryId);
    const match = this.#options.ledger.context(record.deliveryId);
    const { generation } = shard;
    const session = this.#options.ledger.sessionIndex[record.deliveryId] as number;
    this.#deadLettering.record(record, match, code, () => {
      // The copy of the record has been in memory until now, so its credit comes back now.
      if (shard.generation === generation) shard.credit(session, record.frameBytes);
    });
  }

  #onHeld(shard: Shard, targetId: number, code: string | undefined): void {
    const held = this.#held.get(shard) ?? new Set();
    this.#held.set(shard, held);
    if (code === undefined) held.delete(targetId);
    else held.add(targetId);
    const target = this.#options.targets.byId(targetId);
    for (const route of this.#options.routes.all) {
      if (target === undefined || route.targets.get(target.open.topic) !== target) continue;
      if (code === undefined) route.events.holdEnded();
      else route.events.holdBegan(holdReason(code), `${target.open.topic}: ${code}`);
    }
  }

  /** Closes the connections whose records a producer lost, then tells the worker so. */
  #onProducerLost(shard: Shard, { code, loss }: ProducerLost): void {
    const { ledger, sessions } = this.#options;
    const owners = new Set<number>();
    for (let id = 0; id < ledger.capacity; id++) {
      const owns =
        ledger.shard[id] === shard.index ||
        this.#severalShards.get(id)?.includes(shard.index) === true;
      if (owns && ledger.isOpen(id)) owners.add(ledger.sessionIndex[id] as number);
    }
    for (const index of owners) sessions[index]?.reconnect(`a Kafka producer was lost: ${code}`);
    this.#barriers.set(shard, loss);
    this.onBurstEnd();
  }
}

/** What the only route of its subscription makes of the topic, where nothing else of the PUBLISH says
 * whether that route takes it. */
function soleOf(session: Session, topic: Topic, publish: Publish): Planned | undefined {
  if (publish.subscriptionIds !== 1 || publish.userProperties > 0) return undefined;
  if (publish.expirySeconds >= 0) return undefined;
  const subscriptionId = publish.subscriptionId[0] as number;
  return topic.soleOf(session.options.index, subscriptionId) as Planned | undefined;
}

/** Whether a route leaves this PUBLISH alone: it has been through it before, or its time is over. */
function passesBy(route: CompiledRoute, publish: Publish): boolean {
  return publish.expirySeconds === 0 || (route.map.loopGuard && loops(route.shape, publish));
}

/** Counts what routes left alone; once for a PUBLISH, however often it was offered. */
function countPassedBy(matched: readonly CompiledRoute[], publish: Publish): void {
  for (const route of matched) {
    if (publish.expirySeconds === 0) route.events.messageExpired();
    else if (passesBy(route, publish)) route.events.loopStopped(publish.topic?.name ?? '');
  }
}

function hasKey(words: Int32Array, offset: number): boolean {
  return words[(offset >> 2) + 4] !== -1;
}

function holdReason(code: string): HoldReason {
  if (code.includes('AUTH')) return 'notAuthorised';
  if (code.includes('UNKNOWN_TOPIC') || code.includes('UNKNOWN_PARTITION')) return 'unknownTopic';
  if (code.includes('QUOTA') || code.includes('POLICY')) return 'quota';
  return 'other';
}
