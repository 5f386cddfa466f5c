/* MQTT -> Kafka, end to end; start reading here. Main thread only.
 *
 *   onPublish   a PUBLISH -> its routes -> a frame for each, in its shard's ring; a delivery is opened
 *               (to-kafka/parts.ts, to-kafka/frame-sender.ts)
 *   onSettled   what became of a record -> last part of its delivery? -> PUBACK (to-kafka/deliveries.ts)
 *
 * Between the two lie worker/produce-loop.ts and the addon. Everything is a direct call; no promise,
 * closure or object is made for a message, but for those that go to the dead-letter store.
 */
import { readFrame } from '../channel/frame.js';
import type { FromWorker } from '../channel/protocol.js';
import type { Settlement } from '../channel/settlement-ring.js';
import { DEAD_LETTERED, UNKNOWN } from '../delivery/ledger.js';
import type { OversizeSink } from '../mqtt/receive/oversize.js';
import { ABSENT, type Publish } from '../mqtt/receive/publish.js';
import type { Topic } from '../mqtt/receive/topic-cache.js';
import type { Session } from '../mqtt/session.js';
import type { Shard } from '../shard/shard.js';
import { Barriers } from './to-kafka/barriers.js';
import { countNoRecord, countPassedBy } from './to-kafka/counts.js';
import { DeadLettering, type DeadLetteringOptions } from './to-kafka/dead-lettering.js';
import { Deliveries, type DeliveriesOptions } from './to-kafka/deliveries.js';
import { FrameSender } from './to-kafka/frame-sender.js';
import { HeldTargets } from './to-kafka/held-targets.js';
import { Parts, type PartsOptions } from './to-kafka/parts.js';
import type { RouteTable } from './to-kafka/route-table.js';
import { constantTarget, matchOf } from './to-kafka/routes.js';

/** How often a session that waits for credit looks again, where nothing tells it that there is some. */
const LOOK_AGAIN_MS = 20;

export interface MqttToKafkaOptions
  extends Omit<DeadLetteringOptions, 'onStored'>,
    DeliveriesOptions,
    PartsOptions {
  readonly routes: RouteTable;
  /** After a burst of settlements. */
  readonly onBurstEnd: () => void;
}

export class MqttToKafka {
  readonly #options: MqttToKafkaOptions;
  readonly #parts: Parts;
  readonly #deliveries: Deliveries;
  readonly #sender: FrameSender;
  readonly #deadLettering: DeadLettering;
  readonly #barriers = new Barriers();
  readonly #held: HeldTargets;
  /** Whether a look at who waits is due. */
  #looking = false;
  #stopped = false;

  constructor(options: MqttToKafkaOptions) {
    this.#options = options;
    this.#parts = new Parts(options);
    this.#deliveries = new Deliveries(options);
    this.#held = new HeldTargets(options.targets, options.routes.all);
    this.#deadLettering = new DeadLettering({
      ...options,
      onStored: (id, stored) => {
        this.#deliveries.settle(id, stored ? DEAD_LETTERED : UNKNOWN);
        this.onBurstEnd();
      },
    });
    this.#sender = new FrameSender({
      ...options,
      parts: this.#parts,
      deliveries: this.#deliveries,
      barriers: this.#barriers,
      deadLettering: this.#deadLettering,
    });
  }

  onBatchStart(): void {
    this.#deliveries.onBatchStart();
    this.#parts.onBatchStart();
  }

  /** Shows the workers what the batch brought. */
  onBatchEnd(): void {
    for (const shard of this.#options.shards) shard.publish();
    this.#lookAgain();
  }

  /** Deliveries of QoS 0 that are open. */
  get qos0Open(): number {
    return this.#deliveries.qos0Open;
  }

  /** Takes a PUBLISH. False: no room or credit now, nothing has happened. */
  onPublish(session: Session, publish: Publish): boolean {
    const { routes, events } = this.#options;
    const { index } = session.options;
    const parts = this.#parts;
    if (!this.#deliveries.mayOpen(session, publish)) return false;
    if (parts.findSole(index, publish)) return this.#sender.send(session, publish);
    const matched = routes.match(index, publish);
    parts.find(index, publish, matched);
    const passedBy = matched.length - parts.count;
    if (parts.count === 0) this.#deliveries.settleAtOnce(session, publish);
    else if (!this.#sender.send(session, publish)) return false;
    if (passedBy > 0) countPassedBy(matched, publish);
    if (matched.length === 0) events.publishUnrouted((publish.topic as Topic).name);
    return true;
  }

  /** What became of one record. */
  onSettled(shard: Shard, deliveryId: number, settlement: Settlement): void {
    this.#deliveries.onSettled(shard.index, deliveryId, settlement);
  }

  /** After a burst of settlements: PUBACKs leave, and who waited for credit reads on. */
  onBurstEnd(): void {
    this.#barriers.write();
    this.#deliveries.flush();
    this.resumeReading();
    this.#options.onBurstEnd();
    this.#lookAgain();
  }

  /** Takes a payload over the limit to the dead-letter store. Undefined: no credit now. */
  onOversize(session: Session, publish: Publish): OversizeSink | undefined {
    const { routes } = this.#options;
    if (!this.#deliveries.mayOpen(session, publish)) return undefined;
    const topic = publish.topic as Topic;
    const match = matchOf(topic, routes.match(session.options.index, publish));
    const id = this.#deliveries.open(session, publish, 1, match);
    countNoRecord(match.routes[0], publish);
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
    return this.#deliveries.onDrainTimeout();
  }

  resumeReading(): void {
    for (const session of this.#options.sessions) if (session.paused) session.resume();
  }

  onMessage(shard: Shard, message: FromWorker): void {
    if (message.kind === 'refused') this.#onRefused(shard, message.frame, message.code);
    else if (message.kind === 'held') this.#held.onHeld(shard, message.targetId, message.code);
    else if (message.kind === 'producerLost') {
      this.#onProducerLost(shard, message.code, message.loss);
    } else if (message.kind === 'ready') this.#onReady(shard);
  }

  /** A worker has ended: whatever it had is of unknown fate (invariant 8). */
  onShardLost(shard: Shard): void {
    this.#barriers.forget(shard);
    this.#held.onShardLost(shard);
    this.#deliveries.onShardLost(shard.index);
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

  /** Kafka refused a record that was sent alone. */
  #onRefused(shard: Shard, frame: Uint8Array, code: string): void {
    const { slab, clock, ledger } = this.#options;
    const record = readFrame(frame, slab.bytes, clock.monotonicMs());
    this.#deliveries.detach(shard.index, record.deliveryId);
    const match = ledger.context(record.deliveryId);
    const { generation } = shard;
    const session = ledger.sessionIndex[record.deliveryId] as number;
    this.#deadLettering.record(record, match, code, () => {
      // The copy of the record has been in memory until now, so its credit comes back now.
      if (shard.generation === generation) shard.credit(session, record.frameBytes);
    });
  }

  /** Closes the connections whose records a producer lost, then tells the worker so. */
  #onProducerLost(shard: Shard, code: string, loss: number): void {
    this.#deliveries.reconnectOwners(shard.index, `a Kafka producer was lost: ${code}`);
    this.#barriers.await(shard, loss);
    this.onBurstEnd();
  }

  /**
   * Room comes back in ways that tell nobody: a worker reads on in its ring and settles nothing, a
   * region of the slab is released by another session. So while a session waits, or a barrier does,
   * it is tried again every now and then.
   */
  #lookAgain(): void {
    const { sessions, clock } = this.#options;
    if (this.#looking || this.#stopped) return;
    if (this.#barriers.isEmpty && !sessions.some((session) => session.paused)) return;
    this.#looking = true;
    clock.after(LOOK_AGAIN_MS, () => {
      this.#looking = false;
      this.onBurstEnd();
    });
  }
}
