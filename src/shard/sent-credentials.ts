/* SentCredentials: what workers were told to connect to Kafka with, by number: from what is in use to the
 * newest. Those in between are on their way: a worker may say that they work when there are newer ones.
 */
import { assert } from '../base/assert.js';
import type { ShardTask } from '../channel/protocol.js';

/** Of those on their way; who answers of older ones is not believed. */
const ON_THEIR_WAY_MAX = 8;

export interface NumberedCredentials {
  readonly generation: number;
  readonly kafkaCredentials: ShardTask['kafkaCredentials'];
}

export class SentCredentials {
  #inUse: NumberedCredentials;
  #onTheirWay: readonly NumberedCredentials[] = [];

  /** @param kafkaCredentials what the workers start with, as number 0 */
  constructor(kafkaCredentials: ShardTask['kafkaCredentials']) {
    this.#inUse = { generation: 0, kafkaCredentials };
  }

  get inUse(): NumberedCredentials {
    return this.#inUse;
  }

  get newest(): NumberedCredentials {
    return this.#onTheirWay.at(-1) ?? this.#inUse;
  }

  /** Numbers are given once, upwards. */
  add(sent: NumberedCredentials): void {
    assert(sent.generation > this.newest.generation, 'credentials are numbered upwards');
    this.#onTheirWay = [...this.#onTheirWay, sent].slice(-ON_THEIR_WAY_MAX);
  }

  /** They work. False: they, or newer ones, were in use already, or nobody knows them any more. */
  use(generation: number): boolean {
    const used = this.#onTheirWay.find((sent) => sent.generation === generation);
    if (used === undefined) return false;
    this.#inUse = used;
    this.#onTheirWay = this.#onTheirWay.filter((sent) => sent.generation > generation);
    return true;
  }
}
