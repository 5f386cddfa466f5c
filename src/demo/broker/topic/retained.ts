import type { Clock } from '../../../base/clock.js';
import type { Message } from '../message.js';
import { isExpired } from '../message.js';
import { matchesTopic, type TopicFilter } from './topic-filter.js';

/** The retained messages, one for each topic name, at most `messagesMax` of them. */
export class RetainedMessages {
  readonly #messagesMax: number;
  readonly #byTopic = new Map<string, Message>();

  constructor(messagesMax: number) {
    this.#messagesMax = messagesMax;
  }

  get size(): number {
    return this.#byTopic.size;
  }

  /** Stores `message`, or with no payload removes what is stored; false where there is no place. */
  put(message: Message): boolean {
    if (message.payload.length === 0) {
      this.#byTopic.delete(message.topic); // [MQTT-3.3.1-6]
      return true;
    }
    const isNew = !this.#byTopic.has(message.topic);
    if (isNew && this.#byTopic.size >= this.#messagesMax) return false;
    this.#byTopic.set(message.topic, message);
    return true;
  }

  /** Those that match and have not expired, oldest topic name first. */
  matching(filter: TopicFilter, clock: Clock): Message[] {
    const found: Message[] = [];
    for (const [topic, message] of this.#byTopic) {
      if (isExpired(message, clock)) this.#byTopic.delete(topic);
      else if (matchesTopic(filter, topic.split('/'))) found.push(message);
    }
    return found;
  }
}
