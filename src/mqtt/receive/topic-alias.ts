/* Inbound topic aliases, section 3.3.2.3.4: what each stands for on one connection. */

import { PROTOCOL_ERROR, TOPIC_ALIAS_INVALID, TOPIC_NAME_INVALID } from '../reason-code.js';
import type { Publish } from './publish.js';
import { NO_TOPIC, type Topic, type TopicCache } from './topic-cache.js';

export interface TopicFault {
  readonly reasonCode: number;
  readonly text: string;
}

export class TopicAliases {
  readonly #maximum: number;
  readonly #topics: TopicCache;
  readonly #byAlias: (Topic | undefined)[] = [];

  /** @param maximum the Topic Alias Maximum that we announced */
  constructor(maximum: number, topics: TopicCache) {
    this.#maximum = maximum;
    this.#topics = topics;
  }

  /** Sets `publish.topic`, by its bytes or by its alias; the fault where neither gives one. */
  resolve(publish: Publish): TopicFault | undefined {
    const alias = publish.topicAlias;
    if (alias > this.#maximum) {
      // [MQTT-3.3.2-9]
      return { reasonCode: TOPIC_ALIAS_INVALID, text: `Topic Alias ${alias}, over the maximum` };
    }
    if (publish.topicEnd === publish.topicStart) {
      publish.topic = this.#byAlias[alias];
      if (publish.topic !== undefined) return undefined;
      return {
        reasonCode: PROTOCOL_ERROR,
        text: `Topic Alias ${alias}, which stands for nothing yet`,
      };
    }
    publish.topic = this.#topics.find(publish.bytes, publish.topicStart, publish.topicEnd);
    if (publish.topic === undefined) {
      return { reasonCode: TOPIC_NAME_INVALID, text: 'an invalid topic name' };
    }
    if (alias > 0) this.#byAlias[alias] = publish.topic;
    return undefined;
  }

  /** Sets `publish.topic` where properties are not read: its alias may be among them, or not. */
  resolveUnread(publish: Publish): void {
    const { bytes, topicStart, topicEnd } = publish;
    const topic =
      topicEnd > topicStart
        ? this.#topics.find(bytes, topicStart, topicEnd)
        : this.#byAlias[publish.topicAlias];
    publish.topic = topic ?? NO_TOPIC;
  }

  /** What resolved a packet without its properties came with an alias. */
  learn(alias: number, topic: Topic): void {
    if (alias > 0 && alias <= this.#maximum && topic !== NO_TOPIC) this.#byAlias[alias] = topic;
  }
}
