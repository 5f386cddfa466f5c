/* Outgoing topic aliases, section 3.3.2.3.4: which topics have one on one connection. When all aliases
 * are in use, the one that was introduced longest ago is given to the next topic.
 */
import { OUTGOING_TOPICS_CACHED, TOPIC_CACHED_BYTES_MAX } from '../../config/limits.js';
import type { OutgoingTopic } from './outgoing-topics.js';

/** The server knows the alias: the topic name stays away. Else the PUBLISH introduces it. */
export const ALIAS_KNOWN = 0x10000;
/** A Topic Alias among the properties. */
export const ALIAS_BYTES = 3;

export class OutgoingAliases {
  readonly #maximum: number;
  readonly #topics: (OutgoingTopic | undefined)[] = [];
  #last = 0;

  /** @param maximum the server's Topic Alias Maximum */
  constructor(maximum: number) {
    this.#maximum = Math.min(maximum, OUTGOING_TOPICS_CACHED);
  }

  /** The alias to send with a PUBLISH to `topic`, with ALIAS_KNOWN where it holds; 0: none. */
  aliasOf(topic: OutgoingTopic): number {
    if (topic.aliases === this) return topic.alias | ALIAS_KNOWN;
    // [MQTT-3.3.2-9]; a name that is no longer than its alias gains nothing, and one that is not
    // remembered comes as another topic the next time.
    const { length } = topic.bytes;
    if (this.#maximum === 0 || length <= ALIAS_BYTES || length > TOPIC_CACHED_BYTES_MAX) return 0;
    this.#last = this.#last === this.#maximum ? 1 : this.#last + 1;
    const earlier = this.#topics[this.#last];
    if (earlier !== undefined && earlier.aliases === this) earlier.aliases = undefined;
    this.#topics[this.#last] = topic;
    topic.aliases = this;
    topic.alias = this.#last;
    return this.#last;
  }

  /** The connection is gone, and with it what its aliases mean. */
  close(): void {
    for (const topic of this.#topics) {
      if (topic?.aliases === this) topic.aliases = undefined;
    }
    this.#topics.length = 0;
  }
}
