import type { ConnectionLossReason } from '../metrics/reasons.js';

const PATTERNS: readonly (readonly [RegExp, ConnectionLossReason])[] = [
  [/ECONNREFUSED|refuse/i, 'refused'],
  [/within \d+ ms|nothing heard|took nothing|ETIMEDOUT/i, 'timeout'],
  [/may be in Kafka or not/, 'possiblyPersisted'],
  [/Kafka producer was lost/, 'fatalProducer'],
  [/the broker disconnected/, 'serverDisconnect'],
  [/the broker sent|the broker used/, 'protocol'],
  [/authori|password/i, 'authentication'],
  [/closed the connection/, 'closed'],
  [/ECONNRESET|EPIPE|EHOSTUNREACH|ENOTFOUND|EAI_AGAIN/, 'network'],
];

/** The label for why a connection ended; the text itself goes to the log. */
export function connectionLossReason(text: string): ConnectionLossReason {
  return PATTERNS.find(([pattern]) => pattern.test(text))?.[1] ?? 'other';
}
