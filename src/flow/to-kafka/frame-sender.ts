/* FrameSender: the parts of a PUBLISH -> its delivery, and a frame for each part in its shard's ring. Main
 * thread only.
 *
 * 1. Either all parts of a PUBLISH are sent or none: false means that one of them has no room or credit now,
 *    and that nothing has happened.
 */
import type { Publish } from '../../mqtt/receive/publish.js';
import type { Topic } from '../../mqtt/receive/topic-cache.js';
import type { Session } from '../../mqtt/session.js';
import type { SessionSlab } from '../../ring/session-slab.js';
import { deadlineOf, frameBytesMax, writeFrame } from '../../route/to-kafka.js';
import type { Shard } from '../../shard/shard.js';
import type { Target, Targets } from '../../shard/targets.js';
import type { DeadLetterDesk } from '../dead-letter-desk.js';
import type { Barriers } from './barriers.js';
import { countNoRecord, countRecord } from './counts.js';
import type { DeadLettering } from './dead-lettering.js';
import type { Deliveries } from './deliveries.js';
import type { Parts } from './parts.js';
import { matchOf, type Planned } from './routes.js';
import { SharedPayload } from './shared-payload.js';

export interface FrameSenderOptions {
  readonly parts: Parts;
  readonly deliveries: Deliveries;
  readonly barriers: Barriers;
  readonly deadLettering: DeadLettering;
  readonly desk: DeadLetterDesk;
  readonly targets: Targets;
  readonly slab: SessionSlab;
}

export class FrameSender {
  readonly #options: FrameSenderOptions;
  readonly #sharedPayload: SharedPayload;

  constructor(options: FrameSenderOptions) {
    this.#options = options;
    this.#sharedPayload = new SharedPayload(options.slab);
  }

  /** Sends the parts that a PUBLISH has, at least one. */
  send(session: Session, publish: Publish): boolean {
    const { parts } = this.#options;
    parts.locate(publish);
    return parts.count === 1 && parts.faulty.length === 0
      ? this.#sendOne(session, publish)
      : this.#sendSeveral(session, publish);
  }

  /** The hot path: one route. */
  #sendOne(session: Session, publish: Publish): boolean {
    const { parts, deliveries, barriers, targets } = this.#options;
    const planned = parts.planned[0] as Planned;
    const target = parts.targets[0] as Target;
    const shard = parts.shards[0] as Shard;
    if (barriers.has(shard) || !targets.tell(target, shard)) return false;
    const { index } = session.options;
    const offset = shard.reserve(index, frameBytesMax(planned.plan, publish));
    if (offset < 0) return false;
    const id = deliveries.open(session, publish, 1, planned.match);
    deliveries.inShard(id, shard.index);
    this.#write(0, offset, index, publish, id);
    return true;
  }

  /** Several routes, or a part that cannot become a record: room for all of them first. */
  #sendSeveral(session: Session, publish: Publish): boolean {
    const { parts, deliveries, deadLettering } = this.#options;
    const { index } = session.options;
    if (!this.#sharedPayload.move(index, publish)) return false;
    const frameBytes = parts.bound(publish);
    if (!this.#hasRoom(index, frameBytes)) return this.#sharedPayload.undo(publish);
    const match = matchOf(publish.topic as Topic, parts.routes());
    const id = deliveries.open(session, publish, match.routes.length, match);
    this.#sharedPayload.handOver();
    if (parts.count > 0) deliveries.inShards(id, parts.shardIndexes());
    for (let i = 0; i < parts.count; i++) {
      const { plan } = parts.planned[i] as Planned;
      const offset = (parts.shards[i] as Shard).frames.reserve(frameBytesMax(plan, publish));
      this.#write(i, offset, index, publish, id);
    }
    for (const { planned, fault } of parts.faulty) {
      countNoRecord(planned.route, publish);
      deadLettering.part(publish, match, planned.route, fault, id);
    }
    return true;
  }

  /** Whether there is room and credit for every part; `frameBytes` is what all frames take together. */
  #hasRoom(session: number, frameBytes: number): boolean {
    const { parts, barriers, desk, targets } = this.#options;
    if (parts.faulty.length > 0 && !desk.hasRoom) return false;
    for (let i = 0; i < parts.count; i++) {
      const shard = parts.shards[i] as Shard;
      if (barriers.has(shard) || !targets.tell(parts.targets[i] as Target, shard)) return false;
      if (!shard.hasRoom(session, parts.count, frameBytes)) return false;
    }
    return true;
  }

  /** Writes the record of a part into the room that its shard has for it. */
  #write(part: number, offset: number, session: number, publish: Publish, id: number): void {
    const { parts, deliveries } = this.#options;
    const planned = parts.planned[part] as Planned;
    const shard = parts.shards[part] as Shard;
    const { frames } = shard;
    countRecord(planned, publish);
    const deadlineMs = publish.expirySeconds < 0 ? 0 : deadlineOf(publish, deliveries.nowMs);
    const targetId = (parts.targets[part] as Target).id;
    const bytes = writeFrame(frames, offset, planned.plan, publish, id, targetId, deadlineMs);
    shard.commit(session, bytes);
    if (planned.keyProperty !== undefined && !hasKey(frames.words, offset)) {
      planned.route.events.keyMissing();
    }
  }
}

function hasKey(words: Int32Array, offset: number): boolean {
  return words[(offset >> 2) + 4] !== -1;
}
