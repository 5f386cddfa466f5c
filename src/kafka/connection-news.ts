/* What the events of a client of the addon's say of its connections: for those who only want to know
 * whether one can be made.
 */
import type { KafkaConnection } from '../config/model.js';
import { EVENT_LOG, EVENT_STATISTICS, type ProducerEvent } from './addon.js';
import { type ConnectionFault, connectionFault } from './connection-fault.js';
import { brokersUp } from './statistics.js';

export interface ConnectionNews {
  /** By statistics: a broker has let it in. */
  readonly isUp: boolean;
  /** By a log line: an attempt has failed. */
  readonly fault: ConnectionFault | undefined;
}

export function connectionNews(
  { kind, text }: Pick<ProducerEvent, 'kind' | 'text'>,
  kafka: KafkaConnection,
): ConnectionNews {
  return {
    isUp: kind === EVENT_STATISTICS && brokersUp(text) > 0,
    fault: kind === EVENT_LOG ? connectionFault(text, kafka) : undefined,
  };
}

/** Whether every further attempt at the same server would end so: Kafka is there and refuses us, or we it. */
export function isCertain({ reason }: Pick<ConnectionFault, 'reason'>): boolean {
  return reason === 'tls' || reason === 'authentication';
}
