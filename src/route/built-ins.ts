/* The headers of a record that stand for something of MQTT, one for each kind, and which record has
 * which. Both directions know them by the same names and bits. Pure.
 */
import { type Bytes, viewed } from './frame-cursor.js';
import { MILLRACE_HEADER, ORIGIN_PROPERTY } from './origin.js';
import {
  headerEnd,
  headerIs,
  headerIsNull,
  headerNameBytes,
  type RecordBytes,
} from './record-bytes.js';

/** As bytes its name. */
export interface BuiltIn extends Bytes {
  readonly index: number;
  /** In a set of them. */
  readonly bit: number;
  readonly name: string;
}

function builtIn(index: number, name: string): BuiltIn {
  return { index, bit: 1 << index, name, ...viewed(new TextEncoder().encode(name)) };
}

export const PAYLOAD_FORMAT = builtIn(0, 'Payload Format Indicator');
export const RESPONSE_TOPIC = builtIn(1, 'Response Topic');
export const EXPIRY = builtIn(2, 'Message Expiry Interval');
export const CORRELATION_DATA = builtIn(3, 'Correlation Data');
export const CONTENT_TYPE = builtIn(4, 'Content Type');
export const TOPIC = builtIn(5, 'Topic');
export const QOS = builtIn(6, 'QoS');
export const RETAIN = builtIn(7, 'Retain');
export const MILLRACE = builtIn(8, MILLRACE_HEADER);
export const ORIGIN = builtIn(9, ORIGIN_PROPERTY);

/** What the header `Millrace` lists, in its order; the first five are properties of a PUBLISH. */
export const LISTED = [
  PAYLOAD_FORMAT,
  RESPONSE_TOPIC,
  EXPIRY,
  CORRELATION_DATA,
  CONTENT_TYPE,
  TOPIC,
  QOS,
  RETAIN,
] as const;
const ALL: readonly BuiltIn[] = [...LISTED, MILLRACE, ORIGIN];

/** Their names differ in length, so that the length alone says which one a header may be. */
const BY_NAME_BYTES: readonly (BuiltIn | undefined)[] = Array.from(
  { length: Math.max(...ALL.map(({ bytes }) => bytes.length)) + 1 },
  (_, length) => ALL.find(({ bytes }) => bytes.length === length),
);

/** Where the headers of one record stand. */
export class BuiltInHeaders {
  /** By index: where the last header of the name begins, -1 without one; null values do not count. */
  readonly #last = new Int32Array(ALL.length).fill(-1);
  #found = false;

  read(record: RecordBytes): void {
    if (this.#found) this.#last.fill(-1);
    this.#found = false;
    const { bytes, headerCount } = record;
    let header = record.headersStart;
    for (let i = 0; i < headerCount; i++) {
      const candidate = BY_NAME_BYTES[headerNameBytes(bytes, header)];
      if (
        candidate !== undefined &&
        !headerIsNull(bytes, header) &&
        headerIs(bytes, header, candidate.bytes)
      ) {
        this.#last[candidate.index] = header;
        this.#found = true;
      }
      header = headerEnd(bytes, header);
    }
  }

  last(which: BuiltIn): number {
    return this.#last[which.index] as number;
  }

  /** Whether a header is the last of the name of one in this set. */
  isIn(set: number, bytes: Uint8Array, header: number): boolean {
    const candidate = BY_NAME_BYTES[headerNameBytes(bytes, header)];
    if (candidate === undefined || (set & candidate.bit) === 0) return false;
    return this.#last[candidate.index] === header;
  }
}
