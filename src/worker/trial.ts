/* Trial: a producer without topics that only connects, to see whether Kafka takes new credentials before
 * those that work are given up. Worker only.
 */

import type { ProducerSettings, ShardTask } from '../channel/protocol.js';
import type { KafkaConnection } from '../config/model.js';
import type { ProducerEvent, ShardProducers } from '../kafka/addon.js';
import { producerProperties } from '../kafka/client-config.js';
import type { ConnectionFault } from '../kafka/connection-fault.js';
import { connectionNews } from '../kafka/connection-news.js';
import { logIn, producerAsClient } from '../kafka/login.js';

const STATISTICS_MS = '200';
/** Kafka shall not count it as an attack, nor lock the user out: doubled from one failure to the next. */
const RECONNECT_MS_MIN = '1000';
const RECONNECT_MS_MAX = '60000';
const SETTINGS: ProducerSettings = {
  lingerMs: 0,
  batchMessagesMax: 1,
  batchBytesMax: 1_000_000,
  idempotent: false,
  requestsInFlightMax: 1,
  variant: 0,
};

export interface TrialOutcome {
  /** Once: a broker has let it in. */
  readonly onConnected: () => void;
  /** At each attempt that fails, in words for people. */
  readonly onFault: (fault: ConnectionFault) => void;
}

export class Trial {
  readonly #native: ShardProducers;
  readonly #kafka: KafkaConnection;
  readonly #outcome: TrialOutcome;
  readonly index: number;

  /** Throws, without any of the values, where librdkafka cannot use the credentials at all. */
  constructor(native: ShardProducers, task: ShardTask, outcome: TrialOutcome) {
    const properties = producerProperties(task, SETTINGS, false);
    this.#native = native;
    this.#kafka = task.kafka;
    this.#outcome = outcome;
    this.index = native.addProducer({
      ...properties,
      'statistics.interval.ms': STATISTICS_MS,
      'reconnect.backoff.ms': RECONNECT_MS_MIN,
      'reconnect.backoff.max.ms': RECONNECT_MS_MAX,
    });
    const fault = logIn(producerAsClient(native, this.index), task.kafkaCredentials);
    if (fault === undefined) return;
    this.close();
    throw new Error(fault);
  }

  onEvent(event: ProducerEvent): void {
    const { isUp, fault } = connectionNews(event, this.#kafka);
    if (isUp) this.#outcome.onConnected();
    if (fault !== undefined) this.#outcome.onFault(fault);
  }

  close(): void {
    this.#native.removeProducer(this.index);
  }
}
