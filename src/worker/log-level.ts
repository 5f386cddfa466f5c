import type { WorkerLog } from '../channel/protocol.js';

const SYSLOG_CRITICAL = 2;

/** Of a line of librdkafka's log. It says at every attempt that Kafka is away, which we say once. */
export function logLevelOf(syslogLevel: number): WorkerLog['level'] {
  return syslogLevel <= SYSLOG_CRITICAL ? 'error' : 'debug';
}
