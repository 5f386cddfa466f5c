/* ProducerPool: the producers and targets of one worker, and which belongs to which. A producer is
 * keyed by its client settings; a target is a topic of one producer. Worker only.
 *
 * Targets of which Kafka refuses batches share a producer of their own, with the same settings: each
 * refusal empties a producer and replaces it, which must not disturb those that give no cause for it.
 */
import { assert } from '../base/assert.js';
import type { OpenTarget, ProducerSettings } from '../channel/protocol.js';
import { NEVER_ALONE, type ShardProducers } from '../kafka/addon.js';
import { producerProperties, topicProperties } from '../kafka/client-config.js';
import { openProducer } from '../kafka/login.js';
import type { LiveTask } from './live-task.js';

export interface ProducerState {
  /** The addon's index; another one after `replace`. */
  index: number;
  /** The addon's index of the producer that sends records alone; -1 until one is needed. */
  soloIndex: number;
  readonly settings: ProducerSettings;
  readonly targets: TargetState[];
  /** With the same settings, for targets of which a batch was refused; itself one of these. */
  quarantine: ProducerState | undefined;
  /** Nothing is sent again before Kafka is back. */
  gated: boolean;
  /** The number of the loss: all that it held is abandoned, and all that comes before main's
   * barrier. 0 while it is not lost. */
  loss: number;
  barrierSeen: boolean;
  /** While it drains: what is in its queue is taken back. */
  purges: boolean;
  /** When it begins to drain, to be replaced: it connects with credentials that are others by now. */
  renewAtMs: number | undefined;
  /** The addon's index of the one that takes its place, where it is open already; else -1. */
  successor: number;
  wakePending: boolean;
}

export interface QueuedRecord {
  readonly frame: Uint8Array;
  readonly sequence: number;
  /** Of key, headers and payload. */
  readonly recordBytes: number;
  /** To be sent in a batch of its own. */
  readonly alone: boolean;
}

export interface TargetState {
  readonly id: number;
  readonly open: OpenTarget;
  readonly queue: QueuedRecord[];
  diverted: boolean;
  soloOpen: boolean;
  /** The wait after the last refusal; 0 while nothing is held. */
  holdMs: number;
  heldUntilMs: number;
  /** One record is out to see whether the others may follow. */
  probing: boolean;
  /** Records are out that were sent alone: what follows them goes through another producer. */
  sendingAlone: boolean;
  /** A batch of it was refused: it goes into quarantine as soon as nothing of it is out. */
  leaving: boolean;
  /** Records of so many bytes or more are sent alone: Kafka refused one of them for its size. */
  aloneFrom: number;
  /** One that is sent alone for that reason is out, and has not come back so far. */
  tryingSize: boolean;
}

export class ProducerPool {
  readonly #native: ShardProducers;
  readonly #task: LiveTask;
  readonly #byKey = new Map<string, ProducerState>();
  readonly #targets = new Map<number, TargetState>();
  readonly #producerOf = new Map<TargetState, ProducerState>();

  constructor(native: ShardProducers, task: LiveTask) {
    this.#native = native;
    this.#task = task;
  }

  /** The addon's, of every producer that is open. */
  get indices(): Iterable<number> {
    return [...this.producers].flatMap((producer) => this.indicesOf(producer));
  }

  get producers(): Iterable<ProducerState> {
    return this.#byKey.values();
  }

  /** Opens what a control frame asks for. Throws when librdkafka refuses a setting. */
  open(open: OpenTarget): TargetState {
    const key = JSON.stringify(open.producer);
    const producer = this.#byKey.get(key) ?? this.#addProducer(key, open.producer);
    const target: TargetState = {
      id: open.targetId,
      open,
      queue: [],
      diverted: false,
      soloOpen: false,
      holdMs: 0,
      heldUntilMs: 0,
      probing: false,
      sendingAlone: false,
      leaving: false,
      aloneFrom: NEVER_ALONE,
      tryingSize: false,
    };
    producer.targets.push(target);
    this.#targets.set(open.targetId, target);
    this.#producerOf.set(target, producer);
    this.#setTarget(target, producer.index, false);
    return target;
  }

  target(id: number): TargetState {
    const target = this.#targets.get(id);
    assert(target !== undefined, `no target ${id}`);
    return target;
  }

  producerOf(target: TargetState): ProducerState {
    const producer = this.#producerOf.get(target);
    assert(producer !== undefined, `target ${target.id} has no producer`);
    return producer;
  }

  /** By the addon's index, of the one that batches or the one that does not. */
  producerAt(index: number): ProducerState | undefined {
    for (const producer of this.producers) {
      if (producer.index === index || producer.soloIndex === index) return producer;
    }
    return undefined;
  }

  /** Whether it is one of ours by the addon's index, also one that is to take another's place. */
  isOpen(index: number): boolean {
    return [...this.producers].some(
      (producer) => producer.successor === index || this.indicesOf(producer).includes(index),
    );
  }

  /** The addon's indices: of the one that batches, and of the one that does not where it is open. */
  indicesOf(producer: ProducerState): readonly number[] {
    return producer.soloIndex < 0 ? [producer.index] : [producer.index, producer.soloIndex];
  }

  soloIndexOf(target: TargetState): number {
    return this.producerOf(target).soloIndex;
  }

  /** Opens the producer that sends records alone, and the target's topic in it, once. */
  openSolo(target: TargetState): void {
    if (target.soloOpen) return;
    const producer = this.producerOf(target);
    if (producer.soloIndex < 0) {
      producer.soloIndex = this.#openProducer(producer.settings, true);
    }
    target.soloOpen = true;
    this.#setTarget(target, producer.soloIndex, true);
  }

  /** Whether other targets would gain by this one's leaving its producer. */
  disturbs(target: TargetState): boolean {
    const producer = this.producerOf(target);
    return producer.quarantine !== producer && producer.targets.length > 1;
  }

  /** The producer that a target which has nothing outstanding would move to; opens it when needed. */
  quarantineOf(target: TargetState): ProducerState {
    const producer = this.producerOf(target);
    producer.quarantine ??= this.#addProducer(
      JSON.stringify([producer.settings, 'quarantine']),
      producer.settings,
    );
    producer.quarantine.quarantine = producer.quarantine;
    return producer.quarantine;
  }

  /** Moves a target that has nothing outstanding, for good. */
  moveToQuarantine(target: TargetState): void {
    const { targets } = this.producerOf(target);
    const quarantine = this.quarantineOf(target);
    targets.splice(targets.indexOf(target), 1);
    quarantine.targets.push(target);
    this.#producerOf.set(target, quarantine);
    target.soloOpen = false;
    this.#setTarget(target, quarantine.index, false);
  }

  /** Opens the one that `replace` will put in its place, so that it is connected by then. */
  prepare(producer: ProducerState): void {
    if (producer.successor < 0) producer.successor = this.#openProducer(producer.settings, false);
  }

  /** One that is of no use before it was used: `replace` opens another. */
  dropSuccessor(index: number): void {
    for (const producer of this.producers) {
      if (producer.successor !== index) continue;
      this.#native.removeProducer(index);
      producer.successor = -1;
    }
  }

  /** Destroys a producer that has nothing outstanding and opens another in its place; the one that
   * sends records alone is opened again when it is needed. */
  replace(producer: ProducerState): void {
    for (const index of this.indicesOf(producer)) this.#native.removeProducer(index);
    producer.soloIndex = -1;
    this.prepare(producer);
    producer.index = producer.successor;
    producer.successor = -1;
    for (const target of producer.targets) {
      target.soloOpen = false;
      this.#setTarget(target, producer.index, false);
    }
  }

  #openProducer(settings: ProducerSettings, solo: boolean): number {
    const task = this.#task.now;
    return openProducer(this.#native, task, producerProperties(task, settings, solo));
  }

  #addProducer(key: string, settings: ProducerSettings): ProducerState {
    const producer: ProducerState = {
      index: this.#openProducer(settings, false),
      soloIndex: -1,
      settings,
      targets: [],
      quarantine: undefined,
      gated: false,
      loss: 0,
      barrierSeen: false,
      purges: false,
      renewAtMs: undefined,
      successor: -1,
      wakePending: false,
    };
    this.#byKey.set(key, producer);
    return producer;
  }

  #setTarget(target: TargetState, producer: number, solo: boolean): void {
    const { topic, rule, instanceId } = target.open;
    const properties = topicProperties(target.open, this.#task.now.kafka);
    this.#native.setTarget(target.id, producer, topic, properties, rule, instanceId, solo);
  }
}
