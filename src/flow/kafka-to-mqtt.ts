/* Kafka -> MQTT, end to end; start reading here for this direction. Main thread only.
 *
 *   onRecords    records in a route's ring -> a PUBLISH for each, while its session takes them
 *   onPuback     the broker's word on one -> its offset counts, or it is held, or a dead letter
 *   onRevoking   the group takes partitions back -> what is under way ends, then they are given up
 *
 * Before the first lies worker/consume-loop.ts with the addon. Everything is a direct call; no promise,
 * closure or object is made for a record, but for those that are held or go to the dead-letter store.
 *
 * A record's place in the ring is the credit that it was read on: main keeps nothing of it but its
 * position, and reads it there again when it has to be sent again.
 */
import type { Clock } from '../base/clock.js';
import type { CloseShard, FromWorker, ToWorker } from '../channel/protocol.js';
import type { RecordRing } from '../channel/record-ring.js';
import {
  NO_MATCHING_SUBSCRIBERS,
  PACKET_TOO_LARGE,
  QUOTA_EXCEEDED,
  reasonText,
} from '../mqtt/reason-code.js';
import { OutgoingPublish } from '../mqtt/send/outgoing-publish.js';
import type { OutgoingTopic } from '../mqtt/send/outgoing-topics.js';
import type { Session } from '../mqtt/session.js';
import type { RecordSource } from '../shard/record-source.js';
import type { DeadLetterDesk } from './dead-letter-desk.js';
import type { Partition } from './to-mqtt/partitions.js';
import { PublishMaker } from './to-mqtt/publish-maker.js';
import { RecordFlow } from './to-mqtt/record-flow.js';
import { RecordLedger } from './to-mqtt/record-ledger.js';
import { type RecordFault, recordLetter } from './to-mqtt/record-letter.js';
import type { CompiledRecordRoute } from './to-mqtt/record-routes.js';
import { Turns } from './to-mqtt/turns.js';

/** Records that one route sends before the next has its turn. */
const RECORDS_PER_TURN = 256;

export interface KafkaToMqttOptions {
  readonly connector: string;
  readonly payloadBytesMax: number;
  readonly routes: readonly CompiledRecordRoute[];
  /** One for each route, by its index. */
  readonly sources: readonly RecordSource[];
  readonly sessionOf: (route: CompiledRecordRoute) => Session;
  readonly tell: (shard: number, message: ToWorker) => void;
  readonly desk: DeadLetterDesk;
  readonly clock: Clock;
  readonly random: () => number;
  /** A record that was under way is settled, or held. */
  readonly onEnded: () => void;
  /** What keeps a route from reading, and why; undefined: nothing does any more. */
  readonly onTrouble: (route: CompiledRecordRoute, detail: string | undefined) => void;
}

export class KafkaToMqtt {
  readonly #options: KafkaToMqttOptions;
  readonly #flows: readonly RecordFlow[];
  readonly #maker: PublishMaker;
  readonly #publish = new OutgoingPublish();
  readonly #ledger = new RecordLedger();
  #underWay = 0;
  #stopped = false;
  readonly #turns: Turns;

  constructor(options: KafkaToMqttOptions) {
    const { clock, routes, sources } = options;
    this.#options = options;
    this.#maker = new PublishMaker(options);
    this.#flows = routes.map(
      (route) =>
        new RecordFlow({
          route,
          source: sources[route.index] as RecordSource,
          sessionOf: options.sessionOf,
          onTrouble: options.onTrouble,
          ledger: this.#ledger,
          clock,
          onDue: (flow, topic) => {
            this.#tryHeld(flow, topic);
            this.#afterBatch(flow);
          },
          onReleased: (flow, revocation, offsets) =>
            this.#tell(flow, { kind: 'released', routeIndex: route.index, revocation, offsets }),
          onCommit: (flow, offsets) =>
            this.#tell(flow, { kind: 'commit', routeIndex: route.index, offsets }),
        }),
    );
    this.#turns = new Turns({
      flows: this.#flows,
      clock,
      pump: (flow) => this.#pump(flow),
      afterBatch: (flow) => this.#afterBatch(flow),
    });
  }

  /** Records that were sent, or whose letter is being written, and that are not settled. */
  get underWay(): number {
    return this.#underWay;
  }

  /** A consumer may have written records. Main is rung for many reasons, so most of them have not. */
  onRecords(source: RecordSource): void {
    if (source.ring.hasUnread) this.onWritable(this.#flowOf(source.settings).session);
  }

  /** A session takes PUBLISHes again, or may: sends what its routes have. */
  onWritable(session: Session): void {
    this.#turns.run(session);
  }

  /** The broker's word on a PUBLISH of QoS 1. */
  onPuback(delivery: number, reasonCode: number): void {
    const flow = this.#ledger.flow(delivery);
    const { events, route } = flow.route;
    const unheard = reasonCode === NO_MATCHING_SUBSCRIBERS;
    if (unheard) events.counters.publishesUnheard++;
    if (reasonCode === QUOTA_EXCEEDED || (unheard && route.onNoSubscriber === 'hold')) {
      this.#hold(flow, delivery);
    } else if (reasonCode >= 0x80) {
      // It stays under way until its letter is stored.
      this.#deadLetter(delivery, {
        reason: reasonCode === PACKET_TOO_LARGE ? 'publishTooLarge' : 'publishRefused',
        message: `the broker refuses the PUBLISH: ${reasonText(reasonCode)}`,
        topicName: this.#ledger.topic(delivery).name,
      });
    } else {
      events.counters.publishesAcknowledged++;
      const sentMs = this.#ledger.sentMs[delivery] as number;
      events.route.counters.traffic.latency.observe(this.#options.clock.monotonicMs() - sentMs);
      this.#settle(delivery);
    }
  }

  /** Describes again what was sent for a delivery, on a connection that follows. */
  onResend(delivery: number, publish: OutgoingPublish): boolean {
    const ledger = this.#ledger;
    if (!ledger.isOpen(delivery)) return false;
    const flow = ledger.flow(delivery);
    const ring = ledger.ring(delivery);
    ring.at(ledger.position[delivery] as number);
    const verdict = this.#maker.make(flow.route, ring, publish);
    if (verdict !== 'publish') {
      // Its time is over meanwhile, or a clock was set back: it is sent to nobody any more.
      flow.route.events.route.messageExpired();
      this.#settle(delivery);
      return false;
    }
    publish.topic = ledger.topic(delivery);
    this.#retain(flow, publish);
    flow.route.events.counters.publishesResent++;
    return true;
  }

  onMessage(message: FromWorker): void {
    switch (message.kind) {
      case 'assigned':
        this.#flowOf(message).onAssigned(message.partitions);
        break;
      case 'revoking':
        this.#flowOf(message).onRevoking(message);
        break;
      case 'committed':
        this.#flowOf(message).onCommitted(message.code);
        break;
      case 'consumer': {
        const { code, detail, stopped } = message;
        const flow = this.#flowOf(message);
        if (code === undefined) flow.onWell();
        else flow.onTrouble(`${code}: ${detail}${stopped ? '; it is not tried again' : ''}`);
        break;
      }
      default:
    }
  }

  /** A worker has ended: whatever its consumers had read comes again. */
  onShardLost(shard: number): void {
    for (const flow of this.#flows) if (flow.source.shard === shard) flow.onLost();
  }

  /** Nothing new is sent any more. */
  stopReading(): void {
    this.#stopped = true;
  }

  /** What the consumers of a shard shall commit before they end. Nothing is tried again. */
  close(shard: number): CloseShard['commits'] {
    return this.#flows
      .filter(({ source }) => source.shard === shard)
      .map((flow) => ({ routeIndex: flow.route.index, offsets: flow.close() }));
  }

  #flowOf({ routeIndex }: { readonly routeIndex: number }): RecordFlow {
    return this.#flows[routeIndex] as RecordFlow;
  }

  #tell(flow: RecordFlow, message: ToWorker): void {
    this.#options.tell(flow.source.shard, message);
  }

  /** Sends what a route has, for one turn. True: there may be more to send now. */
  #pump(flow: RecordFlow): boolean {
    const { ring } = flow.source;
    this.#tryDue(flow);
    for (let count = 0; count < RECORDS_PER_TURN; count++) {
      if (!this.#maySend(flow) || !ring.next()) return false;
      this.#take(flow, ring);
    }
    return true;
  }

  /** What was sent leaves, and the worker has the room that became free. */
  #afterBatch(flow: RecordFlow): void {
    flow.session.outbound.flush();
    flow.source.ring.wakeWriter();
    if (flow.held.count > 0 && flow.source.ring.isStalled) flow.onStalled();
  }

  #maySend(flow: RecordFlow): boolean {
    if (this.#stopped) return false;
    // A route that has none there takes nobody's room but for one, and is not to wait for the others'.
    if (flow.lettersWaiting > 0 && !this.#options.desk.hasRoom) {
      // Room for letters comes back unsaid: the other direction's letters take it too.
      this.#turns.lookAgain();
      return false;
    }
    const { outbound } = flow.session;
    return flow.route.route.qos === 1 ? outbound.credit > 0 : outbound.writable;
  }

  /** The record at the ring's cursor. */
  #take(flow: RecordFlow, ring: RecordRing): void {
    const { events } = flow.route;
    const { offset } = ring;
    const partition = flow.partitions.of(ring.partition);
    const { last } = partition.tracker;
    if (offset <= last) events.offsetsFell(partition.id, last, offset);
    const delivery = this.#ledger.open(flow, ring, partition);
    this.#ledger.number[delivery] = partition.tracker.open(offset);
    flow.onWell();
    events.counters.recordsConsumed++;
    events.counters.payloadBytesConsumed += ring.payloadBytes;
    const verdict = this.#maker.make(flow.route, ring, this.#publish);
    if (verdict === 'publish') {
      this.#onMade(flow, delivery);
      return;
    }
    if (verdict === 'fault') {
      this.#begin(delivery);
      this.#deadLetter(delivery, this.#maker.fault);
      return;
    }
    if (verdict === 'expired') events.route.messageExpired();
    else events.route.loopStopped(flow.route.route.kafkaTopic);
    flow.settle(delivery);
  }

  /** `#publish` was made of the record. */
  #onMade(flow: RecordFlow, delivery: number): void {
    const topic = this.#publish.topic as OutgoingTopic;
    this.#ledger.setTopic(delivery, topic);
    const { leftOut } = flow.route.writer;
    if (leftOut > 0)
      flow.route.events.headersLeftOut(leftOut, () => this.#maker.leftOut(flow.route));
    if (flow.held.has(topic)) flow.lineUp(topic, delivery);
    else this.#send(flow, delivery);
  }

  /** Sends `#publish`. */
  #send(flow: RecordFlow, delivery: number): void {
    const publish = this.#publish;
    const { outbound } = flow.session;
    const { counters } = flow.route.events;
    this.#retain(flow, publish);
    if (!outbound.fits(publish)) {
      this.#begin(delivery);
      this.#deadLetter(delivery, {
        reason: 'publishTooLarge',
        message: "larger than the broker's Maximum Packet Size",
        topicName: this.#ledger.topic(delivery).name,
      });
      return;
    }
    counters.publishesSent++;
    if (publish.qos === 0) {
      outbound.publish(publish, 0);
      counters.publishesAcknowledged++;
      flow.settle(delivery);
      return;
    }
    this.#begin(delivery);
    this.#ledger.sentMs[delivery] = this.#options.clock.monotonicMs();
    outbound.publish(publish, delivery);
  }

  #retain(flow: RecordFlow, publish: OutgoingPublish): void {
    if (!publish.retain || flow.session.limits?.retainAvailable !== false) return;
    // [MQTT-3.2.2-14]
    publish.retain = false;
    flow.route.events.retainLeftOut();
  }

  /** Held records whose time came while nothing could be sent go before new ones. */
  #tryDue(flow: RecordFlow): void {
    while (this.#maySend(flow)) {
      const topic = flow.held.takeDue();
      if (topic === undefined) return;
      this.#tryHeld(flow, topic);
    }
  }

  /** The first held record of a topic is due. */
  #tryHeld(flow: RecordFlow, topic: OutgoingTopic): void {
    if (this.#stopped) return;
    for (;;) {
      if (!this.#maySend(flow)) {
        flow.held.postpone(topic);
        return;
      }
      const delivery = flow.takeHeld(topic);
      if (delivery === undefined) return;
      const ring = this.#ledger.ring(delivery);
      ring.at(this.#ledger.position[delivery] as number);
      const verdict = this.#maker.make(flow.route, ring, this.#publish);
      if (verdict === 'publish') {
        this.#send(flow, delivery);
        return;
      }
      if (verdict === 'fault') {
        this.#begin(delivery);
        this.#deadLetter(delivery, this.#maker.fault);
        return;
      }
      flow.route.events.route.messageExpired();
      flow.settle(delivery);
      if (!flow.held.taken(topic, delivery)) return;
    }
  }

  #begin(delivery: number): void {
    this.#underWay++;
    this.#ledger.partition(delivery).underWay++;
  }

  #hold(flow: RecordFlow, delivery: number): void {
    const partition = this.#ledger.partition(delivery);
    const topic = this.#ledger.topic(delivery);
    const isHeld = flow.hold(topic, delivery);
    this.#onEnded(flow, partition);
    if (!isHeld && flow.held.taken(topic, delivery)) this.#tryHeld(flow, topic);
  }

  /** A record that was under way is done with. */
  #settle(delivery: number): void {
    const flow = this.#ledger.flow(delivery);
    const partition = this.#ledger.partition(delivery);
    const topic = this.#ledger.topic(delivery) as OutgoingTopic | undefined;
    flow.settle(delivery);
    this.#onEnded(flow, partition);
    if (topic !== undefined && flow.held.taken(topic, delivery)) this.#tryHeld(flow, topic);
  }

  #onEnded(flow: RecordFlow, partition: Partition): void {
    this.#underWay--;
    flow.partitions.onEnded(partition);
    if (this.#stopped) this.#options.onEnded();
  }

  #deadLetter(delivery: number, fault: RecordFault): void {
    const { connector, desk, clock } = this.#options;
    const flow = this.#ledger.flow(delivery);
    const { route } = flow;
    const ring = this.#ledger.ring(delivery);
    ring.at(this.#ledger.position[delivery] as number);
    const letter = recordLetter({ connector, route, ring, fault, timeMs: clock.wallMs() });
    flow.lettersWaiting++;
    desk.put(letter, (id) => {
      flow.lettersWaiting--;
      const { reason, message, topicName } = fault;
      route.events.route.deadLettered(reason, { id, topicName, message });
      this.#settle(delivery);
      this.#afterBatch(flow);
    });
  }
}
