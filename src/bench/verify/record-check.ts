/* RecordCheck: whether the records of a topic are the messages of a load, each as it was sent. It runs
 * once a record, by the million: flat arrays, and no text is made of a good one.
 *
 *   payload    compared byte by byte with what payloads of its size are
 *   stamp      its check is made of key, size and number: all of them must be right
 *   number     a bit each: seen or not
 *   headers    header-check.ts
 *   order      order-check.ts
 */
import type { RecordRing } from '../../channel/record-ring.js';
import { payloadOf } from '../load/payload.js';
import { PayloadCheck } from '../load/payload-check.js';
import { type PayloadMix, payloadBytesMax } from '../load/payload-mix.js';
import {
  checkAt,
  contentChecksum,
  keyChecksumAt,
  payloadChecksum,
  STAMP_BYTES,
  stampedCheck,
  stampedSequence,
  viewOf,
} from '../load/stamp.js';
import { type ExpectedHeaders, HeaderCheck, headersChecked } from './header-check.js';
import { OrderCheck, type OrderRule } from './order-check.js';
import { numberAtEnd } from './record-parts.js';
import type { RecordFigures, SentMessages } from './verification.js';

export interface Expected {
  readonly sent: SentMessages;
  readonly payload: PayloadMix;
  /** Distinct ones. The number of each follows the last / of it. */
  readonly keys: number;
  readonly headers: ExpectedHeaders;
  /** Which messages must lie in the order in which they were sent. */
  readonly order: OrderRule;
}

export class RecordCheck {
  #records = 0;
  #damaged = 0;
  #strange = 0;
  #repeated = 0;
  /** Stamped messages that are there, and the sum of their checks. */
  #found = 0;
  #checkSum = 0;
  #firstWrong: string | undefined;
  readonly #expected: Expected;
  readonly #sizes: readonly number[];
  /** By size. */
  readonly #payloadChecksums: readonly number[];
  readonly #payloads: PayloadCheck;
  readonly #headers: HeaderCheck;
  /** A bit for each stamped message. */
  readonly #seen: Uint8Array;
  readonly #order: OrderCheck;
  /** By key. */
  readonly #unstamped: Uint32Array;
  /** Views of the memory in which records lie: the ring and the large ring. */
  readonly #views = new Map<Uint8Array, DataView>();

  constructor(expected: Expected) {
    const { sent, payload, keys, headers, order } = expected;
    const template = payloadOf(payloadBytesMax(payload));
    this.#expected = expected;
    this.#sizes = payload.map(({ bytes }) => bytes);
    this.#payloadChecksums = this.#sizes.map((bytes) =>
      payloadChecksum(template.subarray(0, bytes)),
    );
    this.#payloads = new PayloadCheck(template);
    this.#headers = new HeaderCheck(headers);
    this.#seen = new Uint8Array(Math.ceil(sent.stamped / 8));
    this.#order = new OrderCheck(order, keys);
    this.#unstamped = new Uint32Array(sent.unstampedByKey === undefined ? 0 : keys);
  }

  /** A record of the topic, in the order of its partition. */
  take(record: RecordRing): void {
    this.#records += 1;
    const size =
      record.hasValue && !record.oversize ? this.#sizes.indexOf(record.payloadBytes) : -1;
    if (size < 0) this.#wrong(record, 'no message has a payload of this size');
    else if (record.payloadBytes < STAMP_BYTES) this.#takeUnstamped(record);
    else this.#takeStamped(record, size);
  }

  figures(): RecordFigures {
    const { sent } = this.#expected;
    const unstamped = sent.unstampedByKey ?? [];
    let missing = sent.stamped - this.#found;
    let repeated = this.#repeated;
    for (const [key, count] of unstamped.entries()) {
      const found = this.#unstamped[key] as number;
      missing += Math.max(0, count - found);
      repeated += Math.max(0, found - count);
    }
    return {
      records: this.#records,
      missing,
      damaged: this.#damaged,
      strange: this.#strange,
      repeated,
      outOfOrder: this.#order.outOfOrder,
      orderNotChecked: this.#order.notChecked,
      unstamped: unstamped.reduce((sum, count) => sum + count, 0),
      headers: headersChecked(this.#expected.headers),
      checksum: { expected: hexOf(sent.checkSum), found: hexOf(this.#checkSum) },
      firstWrong: this.#firstWrong,
    };
  }

  #takeUnstamped(record: RecordRing): void {
    const { body, payloadStart, payloadBytes } = record;
    const key = numberAtEnd(body, record.keyStart, record.headersStart);
    if (key < 0 || key >= this.#unstamped.length) {
      this.#wrong(record, 'no message has this key');
      return;
    }
    for (let n = 0; n < payloadBytes; n += 1) {
      if (body[payloadStart + n] === this.#payloads.expectedAt(n)) continue;
      this.#damage(record, 'its payload is another');
      return;
    }
    if (this.#hasHeaders(record)) this.#unstamped[key] = (this.#unstamped[key] as number) + 1;
  }

  #takeStamped(record: RecordRing, size: number): void {
    const { body, keyStart, headersStart, payloadStart } = record;
    const view = this.#viewOf(body);
    const end = payloadStart + record.payloadBytes;
    const key = keyChecksumAt(body, keyStart, headersStart);
    const content = contentChecksum(key, this.#payloadChecksums[size] as number);
    const check = checkAt(view, payloadStart, content);
    const sequence = stampedSequence(view, payloadStart);
    if (check !== stampedCheck(view, payloadStart)) {
      // What no generator has stamped may be anything, or a message whose stamp is damaged.
      this.#damage(record, 'its stamp is not that of its key and its size');
    } else if (sequence >= this.#expected.sent.stamped) {
      this.#wrong(record, `there was no message of the number ${sequence}`);
    } else if (!this.#payloads.isGood(body, view, payloadStart, end)) {
      this.#damage(record, 'its payload is another');
    } else if (this.#hasHeaders(record)) this.#takeGood(record, sequence, check);
  }

  #takeGood(record: RecordRing, sequence: number, check: number): void {
    const at = sequence >>> 3;
    const bit = 1 << (sequence & 7);
    const bits = this.#seen[at] as number;
    if ((bits & bit) !== 0) {
      this.#repeated += 1;
      return;
    }
    this.#seen[at] = bits | bit;
    this.#found += 1;
    this.#checkSum = (this.#checkSum + check) % 2 ** 32;
    this.#order.take(record, sequence);
  }

  /** Else it is damaged. */
  #hasHeaders(record: RecordRing): boolean {
    const wrong = this.#headers.wrongWith(record);
    if (wrong !== undefined) this.#damage(record, wrong);
    return wrong === undefined;
  }

  #viewOf(body: Uint8Array): DataView {
    const known = this.#views.get(body);
    if (known !== undefined) return known;
    const view = viewOf(body);
    this.#views.set(body, view);
    return view;
  }

  #damage(record: RecordRing, why: string): void {
    this.#damaged += 1;
    this.#firstWrong ??= placeOf(record, why);
  }

  #wrong(record: RecordRing, why: string): void {
    this.#strange += 1;
    this.#firstWrong ??= placeOf(record, why);
  }
}

function placeOf({ partition, offset }: RecordRing, why: string): string {
  return `partition ${partition}, offset ${offset}: ${why}`;
}

function hexOf(sum: number): string {
  return sum.toString(16).padStart(8, '0');
}
