/* Parts: what the PUBLISH at hand becomes: one part for each route that takes it, with the Kafka topic and the
 * shard that its record goes to. One for a flow, filled anew by each PUBLISH. Main thread only.
 *
 *   find        routes -> planned: what each makes of the topic name
 *   locate      planned -> targets and shards, or faulty: what cannot become a record
 */
import { FRAME_RING_BYTES } from '../../config/limits.js';
import type { Publish } from '../../mqtt/receive/publish.js';
import type { Topic } from '../../mqtt/receive/topic-cache.js';
import { frameBytesMax } from '../../route/to-kafka.js';
import type { Shard } from '../../shard/shard.js';
import type { Target, Targets } from '../../shard/targets.js';
import {
  type CompiledRoute,
  type Fault,
  type Planned,
  passesBy,
  plannedBytes,
  planTopic,
  shardIndexOf,
  targetOf,
} from './routes.js';

export interface FaultyPart {
  readonly planned: Planned;
  readonly fault: Fault;
}

export interface PartsOptions {
  readonly instanceId: number;
  readonly shards: readonly Shard[];
  readonly targets: Targets;
}

export class Parts {
  readonly #options: PartsOptions;
  /** The first `count` of each array hold. They only grow: to set the length of one is a call into V8's
   * runtime. */
  count = 0;
  readonly planned: Planned[] = [];
  readonly targets: Target[] = [];
  readonly shards: Shard[] = [];
  /** And the parts that cannot become records; all of them hold. */
  readonly faulty: FaultyPart[] = [];
  /** Which shard takes records that belong to none, for the batch at hand. */
  #turn = 0;

  constructor(options: PartsOptions) {
    this.#options = options;
  }

  /** Another shard's turn begins. */
  onBatchStart(): void {
    this.#turn = (this.#turn + 1) % this.#options.shards.length;
  }

  /**
   * The only part, where its subscription has one route and nothing of the PUBLISH but its topic says what that
   * route does with it. False: not so, or not known yet.
   */
  findSole(session: number, publish: Publish): boolean {
    if (publish.subscriptionIds !== 1 || publish.userProperties > 0) return false;
    if (publish.expirySeconds >= 0) return false;
    const topic = publish.topic as Topic;
    const sole = topic.soleOf(session, publish.subscriptionId[0] as number) as Planned | undefined;
    if (sole === undefined) return false;
    this.planned[0] = sole;
    this.count = 1;
    return true;
  }

  /** The parts that `matched` routes make of it, but for those routes that pass it by. */
  find(session: number, publish: Publish, matched: readonly CompiledRoute[]): void {
    const topic = publish.topic as Topic;
    this.count = 0;
    for (const route of matched) {
      if (passesBy(route, publish)) continue;
      const known = topic.derivedOf(route.index) as Planned | undefined;
      this.planned[this.count++] = known ?? this.#plan(route, topic);
    }
    if (matched.length === 1 && this.count === 1 && publish.subscriptionIds === 1) {
      topic.keepSole(session, publish.subscriptionId[0] as number, this.planned[0]);
    }
  }

  /** Finds target and shard of each part; what cannot become a record leaves the parts. */
  locate(publish: Publish): void {
    const { targets, shards, instanceId } = this.#options;
    if (this.faulty.length > 0) this.faulty.length = 0;
    let count = 0;
    for (let i = 0; i < this.count; i++) {
      const planned = this.planned[i] as Planned;
      const target = targetOf(planned, publish, targets, instanceId);
      if ('reason' in target) {
        this.faulty.push({ planned, fault: target });
        continue;
      }
      const index = shardIndexOf(planned, publish, shards.length);
      this.targets[count] = target;
      this.shards[count] = shards[index < 0 ? this.#turn : index] as Shard;
      this.planned[count++] = planned;
    }
    this.count = count;
  }

  /**
   * How long the frames of all parts are together. Where that is more than a ring can ever have room
   * for, the parts become faulty: they would wait for ever.
   */
  bound(publish: Publish): number {
    let frameBytes = 0;
    for (let i = 0; i < this.count; i++) {
      frameBytes += frameBytesMax((this.planned[i] as Planned).plan, publish);
    }
    if (2 * frameBytes <= FRAME_RING_BYTES) return frameBytes;
    const message = `${this.count} routes make records of ${frameBytes} bytes of one message`;
    for (let i = 0; i < this.count; i++) {
      const planned = this.planned[i] as Planned;
      this.faulty.push({ planned, fault: { reason: 'oversize', message } });
    }
    this.count = 0;
    return 0;
  }

  /** The route of each part, the faulty ones last. */
  routes(): CompiledRoute[] {
    const planned = [
      ...this.planned.slice(0, this.count),
      ...this.faulty.map((part) => part.planned),
    ];
    return planned.map(({ route }) => route);
  }

  /** The shard of each part that becomes a record. */
  shardIndexes(): number[] {
    return this.shards.slice(0, this.count).map(({ index }) => index);
  }

  #plan(route: CompiledRoute, topic: Topic): Planned {
    const { targets, shards, instanceId } = this.#options;
    const planned = planTopic(route, topic, targets, shards.length, instanceId);
    topic.keep(route.index, planned, plannedBytes(planned));
    return planned;
  }
}
