import { HEADER_ENTRY_BYTES, KIND_RECORD, KIND_SKIP, NULL_KEY } from '../../src/channel/frame.js';
import type { ConsumerTask } from '../../src/channel/protocol.js';
import {
  RECORD_BODY_OFFSET,
  RECORD_FLAGS,
  RECORD_FRAME_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_HEADER_COUNT,
  RECORD_HEADERS_BYTES,
  RECORD_KEY_BYTES,
  RECORD_KIND,
  RECORD_NO_VALUE,
  RECORD_OFFSET_HIGH,
  RECORD_OFFSET_LOW,
  RECORD_OVERSIZE,
  RECORD_PARTITION,
  RECORD_PAYLOAD_BYTES,
  RECORD_TIMESTAMP_HIGH,
  RECORD_TIMESTAMP_LOW,
  RECORD_VALUE_BYTES,
  RECORD_VALUE_NULL,
} from '../../src/channel/record-frame.js';
import { HEAD_WORD, RING_DATA_BYTES, TAIL_WORD } from '../../src/channel/ring-layout.js';

/* The worker's side of a record ring, written from channel/record-frame.ts and not from the addon. */

export interface RecordSpec {
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs?: number;
  readonly key?: string;
  readonly headers?: readonly (readonly [string, string | null])[];
  /** `null`: a tombstone. */
  readonly value: string | null;
  /** The true size of a value that is larger than the large ring. */
  readonly oversizeBytes?: number;
}

export class FakeRecordWriter {
  readonly #control: Int32Array;
  readonly #bytes: Uint8Array;
  #head: number;

  constructor({ records }: Pick<ConsumerTask, 'records'>) {
    this.#control = new Int32Array(records, 0, RING_DATA_BYTES / 4);
    this.#bytes = new Uint8Array(records, RING_DATA_BYTES);
    this.#head = Atomics.load(this.#control, HEAD_WORD) >>> 0;
  }

  /** Bytes of the ring that are taken. */
  get usedBytes(): number {
    return (this.#head - Atomics.load(this.#control, TAIL_WORD)) >>> 0;
  }

  /** False: there is no room. */
  write(spec: RecordSpec): boolean {
    const capacity = this.#bytes.length;
    const frame = frameOf(spec);
    const toEnd = capacity - (this.#head & (capacity - 1));
    const skipped = frame.length > toEnd ? toEnd : 0;
    if (this.usedBytes + skipped + frame.length > capacity) return false;
    if (skipped >= RECORD_HEADER_BYTES) {
      const skip = new Uint32Array(RECORD_HEADER_BYTES / 4);
      skip[RECORD_FRAME_BYTES] = skipped;
      skip[RECORD_KIND] = KIND_SKIP;
      this.#put(new Uint8Array(skip.buffer));
    }
    this.#head = (this.#head + skipped) >>> 0;
    this.#put(frame);
    this.#head = (this.#head + frame.length) >>> 0;
    Atomics.store(this.#control, HEAD_WORD, this.#head | 0);
    return true;
  }

  #put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#head & (this.#bytes.length - 1));
  }
}

function frameOf(spec: RecordSpec): Uint8Array {
  const isOversize = spec.oversizeBytes !== undefined;
  const key = Buffer.from(spec.key ?? '');
  const headers = Buffer.concat((spec.headers ?? []).map(headerOf));
  const value = Buffer.from(spec.value ?? '');
  const body = isOversize ? Buffer.alloc(0) : Buffer.concat([key, headers, value]);
  const frame = new Uint8Array((RECORD_HEADER_BYTES + body.length + 7) & ~7);
  const words = new Uint32Array(frame.buffer, 0, RECORD_HEADER_BYTES / 4);
  const timestampMs = BigInt(spec.timestampMs ?? -1);
  words[RECORD_FRAME_BYTES] = frame.length;
  words[RECORD_KIND] = KIND_RECORD;
  words[RECORD_FLAGS] =
    (isOversize ? RECORD_OVERSIZE : 0) | (spec.value === null ? RECORD_NO_VALUE : 0);
  words[RECORD_PARTITION] = spec.partition;
  words[RECORD_OFFSET_LOW] = spec.offset;
  words[RECORD_OFFSET_HIGH] = Math.floor(spec.offset / 2 ** 32);
  words[RECORD_TIMESTAMP_LOW] = Number(BigInt.asUintN(32, timestampMs));
  words[RECORD_TIMESTAMP_HIGH] = Number(BigInt.asUintN(32, timestampMs >> 32n));
  words[RECORD_KEY_BYTES] = spec.key === undefined || isOversize ? NULL_KEY : key.length;
  words[RECORD_HEADER_COUNT] = isOversize ? 0 : (spec.headers?.length ?? 0);
  words[RECORD_HEADERS_BYTES] = isOversize ? 0 : headers.length;
  words[RECORD_BODY_OFFSET] = RECORD_HEADER_BYTES;
  words[RECORD_PAYLOAD_BYTES] = spec.oversizeBytes ?? value.length;
  frame.set(body, RECORD_HEADER_BYTES);
  return frame;
}

function headerOf([name, value]: readonly [string, string | null]): Buffer {
  const entry = Buffer.alloc(HEADER_ENTRY_BYTES);
  entry.writeUInt16LE(Buffer.byteLength(name), 0);
  entry.writeUInt16LE(value === null ? RECORD_VALUE_NULL : RECORD_VALUE_BYTES, 2);
  entry.writeUInt32LE(Buffer.byteLength(value ?? ''), 4);
  return Buffer.concat([entry, Buffer.from(name), Buffer.from(value ?? '')]);
}
