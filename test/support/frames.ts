import {
  FLAG_EXPIRES,
  FLAG_PAYLOAD_IN_SLAB,
  FRAME_BYTES,
  FRAME_DEADLINE_HIGH,
  FRAME_DEADLINE_LOW,
  FRAME_DELIVERY_ID,
  FRAME_FLAGS,
  FRAME_HEADER_BYTES,
  FRAME_HEADER_COUNT,
  FRAME_HEADERS_BYTES,
  FRAME_KEY_BYTES,
  FRAME_KIND,
  FRAME_PAYLOAD_BYTES,
  FRAME_PAYLOAD_OFFSET,
  FRAME_TARGET_ID,
  HEADER_ENTRY_BYTES,
  KIND_RECORD,
  NULL_KEY,
  VALUE_BYTES,
  VALUE_REMAINING_SECONDS,
} from '../../src/channel/frame.js';

/** What a test says of a frame; the rest is a record of target 0 without key, headers or payload. */
export interface FrameSpec {
  readonly deliveryId?: number;
  readonly targetId?: number;
  readonly key?: string | Uint8Array;
  /** A value of `null` stands for the seconds that remain. */
  readonly headers?: readonly (readonly [string, string | Uint8Array | null])[];
  readonly payload?: string | Uint8Array;
  /** The payload lies in the slab instead. */
  readonly inSlab?: { readonly offset: number; readonly bytes: number };
  /** On the monotonic clock. */
  readonly deadlineMs?: number;
}

/** A frame as route/to-kafka.ts would write it, in memory of its own. */
export function frameOf(spec: FrameSpec): Uint8Array {
  const key = spec.key === undefined ? undefined : Buffer.from(spec.key);
  const headers = Buffer.concat((spec.headers ?? []).map(headerOf));
  const payload = spec.inSlab === undefined ? Buffer.from(spec.payload ?? '') : Buffer.alloc(0);
  const payloadAt = FRAME_HEADER_BYTES + (key?.length ?? 0) + headers.length;
  const frameBytes = (payloadAt + payload.length + 7) & ~7;
  const frame = new Uint8Array(frameBytes);
  const words = new Uint32Array(frame.buffer, 0, FRAME_HEADER_BYTES / 4);
  words[FRAME_BYTES] = frameBytes;
  words[FRAME_KIND] = KIND_RECORD;
  words[FRAME_DELIVERY_ID] = spec.deliveryId ?? 0;
  words[FRAME_TARGET_ID] = spec.targetId ?? 0;
  words[FRAME_KEY_BYTES] = key?.length ?? NULL_KEY;
  words[FRAME_HEADER_COUNT] = spec.headers?.length ?? 0;
  words[FRAME_HEADERS_BYTES] = headers.length;
  words[FRAME_PAYLOAD_OFFSET] = spec.inSlab?.offset ?? payloadAt;
  words[FRAME_PAYLOAD_BYTES] = spec.inSlab?.bytes ?? payload.length;
  words[FRAME_FLAGS] =
    (spec.inSlab === undefined ? 0 : FLAG_PAYLOAD_IN_SLAB) |
    (spec.deadlineMs === undefined ? 0 : FLAG_EXPIRES);
  const deadlineMs = Math.floor(spec.deadlineMs ?? 0);
  words[FRAME_DEADLINE_LOW] = deadlineMs;
  words[FRAME_DEADLINE_HIGH] = deadlineMs / 2 ** 32;
  if (key !== undefined) frame.set(key, FRAME_HEADER_BYTES);
  frame.set(headers, FRAME_HEADER_BYTES + (key?.length ?? 0));
  frame.set(payload, payloadAt);
  return frame;
}

function headerOf([name, value]: readonly [string, string | Uint8Array | null]): Buffer {
  const nameBytes = Buffer.from(name);
  const valueBytes = Buffer.from(value ?? '');
  const entry = Buffer.alloc(HEADER_ENTRY_BYTES);
  entry.writeUInt16LE(nameBytes.length, 0);
  entry.writeUInt16LE(value === null ? VALUE_REMAINING_SECONDS : VALUE_BYTES, 2);
  entry.writeUInt32LE(valueBytes.length, 4);
  return Buffer.concat([entry, nameBytes, valueBytes]);
}
