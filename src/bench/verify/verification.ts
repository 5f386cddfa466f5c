/* What is known of the records that a load has left in Kafka, and how it is said. */

import { formatNumber } from '../report/format.js';
import type { HeadersChecked } from './header-check.js';

/** What the generator has sent: what must be in Kafka. */
export interface SentMessages {
  /** Messages with a stamp: their numbers are those below this one. */
  readonly stamped: number;
  /** Of the checks of all stamps, modulo 2^32. */
  readonly checkSum: number;
  /** By key: messages whose payload has no room for a stamp; undefined: all have it. */
  readonly unstampedByKey: readonly number[] | undefined;
  /** Over which they went. */
  readonly connections: number;
}

export interface RecordFigures {
  /** In the topic. */
  readonly records: number;
  /** Messages of which there is no record as it was sent. */
  readonly missing: number;
  /** Records that say which message they are of, and are not as it was sent. */
  readonly damaged: number;
  /** Records that are of no message. */
  readonly strange: number;
  /** Records of a message of which there was one already. */
  readonly repeated: number;
  /** Messages that lie behind a later one of their key and MQTT connection; undefined: not checked. */
  readonly outOfOrder: number | undefined;
  /** Why not; undefined where it is. */
  readonly orderNotChecked: string | undefined;
  /** Messages whose payload has no room for a stamp: they were counted for each key, and no more. */
  readonly unstamped: number;
  /** Which headers were compared; those of another connector are not all known. */
  readonly headers: HeadersChecked;
  /** Of the stamps of all messages, each once, in hexadecimal digits. */
  readonly checksum: { readonly expected: string; readonly found: string };
  /** Where the first record is that is damaged or strange, and what is wrong with it. */
  readonly firstWrong: string | undefined;
}

export type Verification =
  | ({ readonly how: 'every record'; readonly seconds: number } & RecordFigures)
  /** By the end offsets of the topic. */
  | { readonly how: 'counts only'; readonly records: number; readonly missing: number }
  | { readonly how: 'none' };

/** Why figures of a load mean nothing whose records are like this. */
export function reasonsOfVerification(
  verification: Verification,
  { sent, isOrdered }: { sent: number; isOrdered: boolean },
): string[] {
  if (verification.how === 'none') return [];
  const reasons: string[] = [];
  const { missing } = verification;
  if (missing > 0) reasons.push(`${missing} of ${sent} messages are not in Kafka`);
  if (verification.how === 'counts only') return reasons;
  const { damaged, strange, outOfOrder = 0, firstWrong } = verification;
  if (damaged > 0) reasons.push(`${damaged} records are not as they were sent (${firstWrong})`);
  if (strange > 0) reasons.push(`${strange} records are of no message (${firstWrong})`);
  if (isOrdered && outOfOrder > 0) {
    reasons.push(`${outOfOrder} messages lie behind a later one of their key`);
  }
  return reasons;
}

const HEADERS_TEXT: Record<HeadersChecked, string> = {
  all: 'all headers compared',
  'user properties': 'of its headers the user properties compared',
  none: 'headers not looked at (of another connector they are not known)',
};

/** One line for people. */
export function describeVerification(verification: Verification): string {
  if (verification.how === 'none') return 'Records in Kafka were not counted.';
  const { records } = verification;
  if (verification.how === 'counts only') {
    return (
      `${format(records)} records were counted in Kafka; what is in them, and their order, was not looked at: ` +
      'the embedded one keeps 5 MB of a partition.'
    );
  }
  return `${describeRecords(verification)} (${verification.seconds.toFixed(1)} s).`;
}

function describeRecords({
  records,
  repeated,
  unstamped,
  headers,
  ...figures
}: RecordFigures): string {
  const { missing, damaged, strange, outOfOrder, orderNotChecked, checksum } = figures;
  const wrong = missing + damaged + strange;
  const parts = [
    wrong === 0
      ? `Every one of ${format(records - repeated)} messages is in Kafka exactly as it was sent`
      : `Of the messages ${format(missing)} are missing in Kafka, and ${format(damaged + strange)} ` +
        'records are wrong',
    `checksum ${checksum.found}${wrong === 0 ? '' : ` where ${checksum.expected} was sent`}`,
  ];
  parts.push(HEADERS_TEXT[headers]);
  if (repeated > 0) parts.push(`${format(repeated)} records are repetitions`);
  if (outOfOrder !== undefined) {
    parts.push(outOfOrder === 0 ? 'in order for each key' : `${format(outOfOrder)} out of order`);
  }
  if (orderNotChecked !== undefined) parts.push(`their order was not checked: ${orderNotChecked}`);
  if (unstamped > 0) parts.push(`${format(unstamped)} short ones were counted per key only`);
  return parts.join(', ');
}

function format(count: number): string {
  return formatNumber(count, 0);
}
