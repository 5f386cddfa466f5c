/* Targets: which Kafka topic with which settings a record goes to, as one number in its frame. Each
 * shard is told of a target before the first record for it. Main thread only.
 */
import type { OpenTarget, ProducerSettings } from '../channel/protocol.js';
import type { Shard } from './shard.js';

export interface Target {
  readonly id: number;
  readonly open: OpenTarget;
  /** By shard: the generation of the worker that knows it, -1 for none. */
  readonly knownTo: Int32Array;
}

type TopicSettings = Pick<OpenTarget, 'topic' | 'acks' | 'compression' | 'rule' | 'instanceId'>;

export class Targets {
  readonly #shards: number;
  readonly #byKey = new Map<string, Target>();
  readonly #byId: Target[] = [];

  constructor(shards: number) {
    this.#shards = shards;
  }

  /** The target with these settings; a new one where there is none. */
  get(producer: Omit<ProducerSettings, 'variant'>, topic: TopicSettings): Target {
    // librdkafka has one set of settings for each topic of a producer, so another set takes another
    // producer: the first variant in which this topic is free or has these very settings.
    for (let variant = 0; ; variant++) {
      const key = JSON.stringify([producer, variant, topic.topic]);
      const known = this.#byKey.get(key);
      if (known !== undefined && !sameSettings(known.open, topic)) continue;
      return known ?? this.#add(key, { ...producer, variant }, topic);
    }
  }

  byId(id: number): Target | undefined {
    return this.#byId[id];
  }

  /** Tells a shard of a target that its worker does not know yet. False: no room now. */
  tell(target: Target, shard: Shard): boolean {
    if (target.knownTo[shard.index] === shard.generation) return true;
    if (!shard.control(target.open)) return false;
    target.knownTo[shard.index] = shard.generation;
    return true;
  }

  #add(key: string, producer: ProducerSettings, topic: TopicSettings): Target {
    const id = this.#byId.length;
    const open: OpenTarget = { kind: 'openTarget', targetId: id, producer, ...topic };
    const target = { id, open, knownTo: new Int32Array(this.#shards).fill(-1) };
    this.#byId.push(target);
    this.#byKey.set(key, target);
    return target;
  }
}

function sameSettings(a: TopicSettings, b: TopicSettings): boolean {
  return (
    a.acks === b.acks &&
    a.compression === b.compression &&
    a.rule === b.rule &&
    a.instanceId === b.instanceId
  );
}
