/* Silence: records that Kafka was given and has said nothing of for long, over connections that are open: a
 * broker that hangs, or one of several that is gone. librdkafka would wait for ever, as it is to. Worker
 * only; once a second.
 *
 * What is held, for a cause that is known, is not with librdkafka and counts for nothing here. Without any
 * connection that is what is to be told.
 */
import type { FromWorker } from '../channel/protocol.js';
import type { ShardProducers } from '../kafka/addon.js';
import type { ProducerPool } from './producer-pool.js';

/** Longer than Kafka takes for a change of leader, and than it may throttle by default. */
const SILENT_MS = 30_000;

export interface SilenceOptions {
  readonly native: Pick<ShardProducers, 'oldestMs'>;
  readonly pool: Pick<ProducerPool, 'producers' | 'indicesOf'>;
  readonly post: (message: FromWorker) => void;
}

export class Silence {
  readonly #options: SilenceOptions;
  #isTold = false;

  constructor(options: SilenceOptions) {
    this.#options = options;
  }

  /**
   * Once a second.
   * @param isUp whether any broker is connected
   * @param detail what is known of the cause, for people; may be empty
   */
  onTick(isUp: boolean, detail: string): void {
    const oldestMs = isUp ? this.#oldestMs() : 0;
    if (oldestMs < SILENT_MS) {
      if (this.#isTold) this.#options.post({ kind: 'unanswered', seconds: 0, detail: '' });
      this.#isTold = false;
      return;
    }
    this.#isTold = true;
    const seconds = Math.floor(oldestMs / 1000);
    this.#options.post({ kind: 'unanswered', seconds, detail });
  }

  /** Of the record that has waited longest, without the time for which it lingers. */
  #oldestMs(): number {
    const { native, pool } = this.#options;
    let oldestMs = 0;
    for (const producer of pool.producers) {
      for (const index of pool.indicesOf(producer)) {
        oldestMs = Math.max(oldestMs, native.oldestMs(index) - producer.settings.lingerMs);
      }
    }
    return oldestMs;
  }
}
