import assert from 'node:assert/strict';
import { HEADER_ENTRY_BYTES, KIND_RECORD, KIND_SKIP, NULL_KEY } from '../../src/channel/frame.js';
import {
  RECORD_BODY_OFFSET,
  RECORD_FLAGS,
  RECORD_FRAME_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_HEADER_COUNT,
  RECORD_HEADERS_BYTES,
  RECORD_IN_LARGE,
  RECORD_KEY_BYTES,
  RECORD_KIND,
  RECORD_NO_VALUE,
  RECORD_OFFSET_LOW,
  RECORD_OVERSIZE,
  RECORD_PARTITION,
  RECORD_PAYLOAD_BYTES,
  RECORD_TIMESTAMP_LOW,
  RECORD_VALUE_BYTES,
  RECORD_VALUE_NULL,
} from '../../src/channel/record-frame.js';
import { RecordRing } from '../../src/channel/record-ring.js';
import {
  BLOCKED_WORD,
  createRingMemory,
  HEAD_WORD,
  RING_DATA_BYTES,
  TAIL_WORD,
  WAITING_WORD,
} from '../../src/channel/ring-layout.js';

type Bytes = string | Uint8Array;

/** What a test says of a record; the rest is one of partition 0, offset 0, without key and headers. */
export interface RecordSpec {
  readonly partition?: number;
  readonly offset?: number;
  readonly timestampMs?: number;
  readonly key?: Bytes | null;
  readonly headers?: readonly (readonly [string, Bytes | null])[];
  readonly value?: Bytes | null;
  /** The body lies in the large ring, from here on. */
  readonly largeStart?: number;
  /** It has no body: the size of its value. */
  readonly oversizeBytes?: number;
}

/** Key, headers and value, one behind the other. */
export function recordBodyOf(spec: RecordSpec): Buffer {
  const headers = (spec.headers ?? []).map(headerOf);
  return Buffer.concat([Buffer.from(spec.key ?? ''), ...headers, Buffer.from(spec.value ?? '')]);
}

/** A frame as src/native/record-writer.cc writes it, in memory of its own. */
export function recordFrameOf(spec: RecordSpec): Uint8Array {
  const body = recordBodyOf(spec);
  const elsewhere = spec.largeStart !== undefined || spec.oversizeBytes !== undefined;
  const bytes = (RECORD_HEADER_BYTES + (elsewhere ? 0 : body.length) + 7) & ~7;
  const frame = new Uint8Array(bytes);
  const words = new Uint32Array(frame.buffer, 0, RECORD_HEADER_BYTES / 4);
  const view = new DataView(frame.buffer);
  const hasKey = spec.key !== undefined && spec.key !== null;
  words[RECORD_FRAME_BYTES] = bytes;
  words[RECORD_KIND] = KIND_RECORD;
  words[RECORD_FLAGS] =
    (spec.largeStart === undefined ? 0 : RECORD_IN_LARGE) |
    (spec.value === null ? RECORD_NO_VALUE : 0) |
    (spec.oversizeBytes === undefined ? 0 : RECORD_OVERSIZE);
  words[RECORD_PARTITION] = spec.partition ?? 0;
  view.setBigInt64(RECORD_OFFSET_LOW * 4, BigInt(spec.offset ?? 0), true);
  view.setBigInt64(RECORD_TIMESTAMP_LOW * 4, BigInt(spec.timestampMs ?? -1), true);
  words[RECORD_KEY_BYTES] = hasKey ? Buffer.from(spec.key as Bytes).length : NULL_KEY;
  words[RECORD_HEADER_COUNT] = spec.headers?.length ?? 0;
  words[RECORD_HEADERS_BYTES] = Buffer.concat((spec.headers ?? []).map(headerOf)).length;
  words[RECORD_BODY_OFFSET] = spec.largeStart ?? RECORD_HEADER_BYTES;
  words[RECORD_PAYLOAD_BYTES] = spec.oversizeBytes ?? Buffer.from(spec.value ?? '').length;
  if (!elsewhere) frame.set(body, RECORD_HEADER_BYTES);
  return frame;
}

function headerOf([name, value]: readonly [string, Bytes | null]): Buffer {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value ?? '');
  const entry = Buffer.alloc(HEADER_ENTRY_BYTES);
  entry.writeUInt16LE(nameBytes.length, 0);
  entry.writeUInt16LE(value === null ? RECORD_VALUE_NULL : RECORD_VALUE_BYTES, 2);
  entry.writeUInt32LE(valueBytes.length, 4);
  return Buffer.concat([entry, nameBytes, valueBytes]);
}

/** The worker's end of a record ring, in JavaScript. */
export class RecordRingWriter {
  readonly #control: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #capacity: number;
  #head = 0;

  /** @param startAt where the ring stands before anything is written: what 4 GiB lead up to */
  constructor(memory: SharedArrayBuffer, startAt = 0) {
    this.#control = new Int32Array(memory, 0, RING_DATA_BYTES / 4);
    this.#bytes = new Uint8Array(memory, RING_DATA_BYTES);
    this.#capacity = memory.byteLength - RING_DATA_BYTES;
    this.#head = startAt;
    Atomics.store(this.#control, HEAD_WORD, startAt | 0);
    Atomics.store(this.#control, TAIL_WORD, startAt | 0);
  }

  /** Bytes that the reader has not given back. */
  get takenBytes(): number {
    return (this.#head - Atomics.load(this.#control, TAIL_WORD)) >>> 0;
  }

  get readerWaits(): boolean {
    return Atomics.load(this.#control, WAITING_WORD) === 1;
  }

  /** False: there is no room. */
  write(frame: Uint8Array): boolean {
    const toEnd = this.#capacity - (this.#head & (this.#capacity - 1));
    const skipBytes = frame.length > toEnd ? toEnd : 0;
    if (this.takenBytes + skipBytes + frame.length > this.#capacity) return false;
    if (skipBytes >= RECORD_HEADER_BYTES) {
      const skip = new Uint32Array(RECORD_HEADER_BYTES / 4);
      skip[RECORD_FRAME_BYTES] = skipBytes;
      skip[RECORD_KIND] = KIND_SKIP;
      this.#put(new Uint8Array(skip.buffer));
    }
    this.#head = (this.#head + skipBytes) >>> 0;
    this.#put(frame);
    this.#head = (this.#head + frame.length) >>> 0;
    return true;
  }

  publish(): void {
    Atomics.store(this.#control, HEAD_WORD, this.#head | 0);
  }

  /** Asks to be rung when there is room. */
  block(): void {
    Atomics.store(this.#control, BLOCKED_WORD, 1);
  }

  #put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#head & (this.#capacity - 1));
  }
}

/** A ring that holds these records; its cursor stands on the first. */
export function ringOfRecords(specs: readonly RecordSpec[]): RecordRing {
  const frames = specs.map(recordFrameOf);
  const memory = createRingMemory(1 << 16);
  const writer = new RecordRingWriter(memory);
  for (const frame of frames) assert(writer.write(frame), 'the ring must hold them all');
  writer.publish();
  const ring = new RecordRing(memory, new SharedArrayBuffer(0), () => undefined);
  ring.next();
  return ring;
}
