/* DeliveryCredit: what the open deliveries of a connector may hold beside their places in the ledger, which
 * the Receive Maximum of each session bounds: places for QoS 0, which has none, and topic names that are
 * too long to be remembered. Of neither one session takes what another needs. Main thread only.
 */
import { FairShare } from '../../base/fair-share.js';
import { LONG_TOPICS_HELD_BYTES_MAX, QOS0_DELIVERIES_MAX } from '../../config/limits.js';
import type { Topic } from '../../mqtt/receive/topic-cache.js';

export class DeliveryCredit {
  readonly #qos0: FairShare;
  readonly #longTopics: FairShare;

  constructor(sessionCount: number) {
    this.#qos0 = new FairShare(QOS0_DELIVERIES_MAX, sessionCount);
    this.#longTopics = new FairShare(LONG_TOPICS_HELD_BYTES_MAX, sessionCount);
  }

  /** Deliveries of QoS 0 that are open. */
  get qos0Open(): number {
    return this.#qos0.taken;
  }

  mayOpen(session: number, isQos0: boolean, topic: Topic): boolean {
    if (isQos0 && !this.#qos0.mayTake(session, 1)) return false;
    return !topic.isLong || this.#longTopics.mayTake(session, topic.bytes.length);
  }

  open(session: number, isQos0: boolean, topic: Topic): void {
    if (isQos0) this.#qos0.take(session, 1);
    if (topic.isLong) this.#longTopics.take(session, topic.bytes.length);
  }

  close(session: number, isQos0: boolean, topic: Topic): void {
    if (isQos0) this.#qos0.give(session, 1);
    if (topic.isLong) this.#longTopics.give(session, topic.bytes.length);
  }
}
