/* Parts of packets that the fast lane and the writers share: MQTT 5, section 1.5. */

/** Longest Variable Byte Integer [MQTT-1.5.5-1]. */
export const VARINT_BYTES_MAX = 4;
export const VARINT_MAX = 268_435_455;

/**
 * Whether `bytes[start..end)` is a UTF-8 Encoded String's content: well-formed, without surrogates
 * [MQTT-1.5.4-1] and without U+0000 [MQTT-1.5.4-2].
 */
export function isUtf8(bytes: Uint8Array, start: number, end: number): boolean {
  let i = start;
  while (i < end) {
    const lead = bytes[i] as number;
    if (lead < 0x80) {
      if (lead === 0) return false;
      i++;
    } else {
      const length = sequenceLength(bytes, i, end, lead);
      if (length === 0) return false;
      i += length;
    }
  }
  return true;
}

/** Length of the multi-byte sequence at `i`, 0 when it is ill-formed (Unicode, table 3-7). */
function sequenceLength(bytes: Uint8Array, i: number, end: number, lead: number): number {
  let length: number;
  let low = 0x80;
  let high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) length = 2;
  else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead === 0xe0) low = 0xa0;
    if (lead === 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead === 0xf0) low = 0x90;
    if (lead === 0xf4) high = 0x8f;
  } else return 0;
  if (i + length > end) return 0;
  const second = bytes[i + 1] as number;
  if (second < low || second > high) return 0;
  for (let k = 2; k < length; k++) {
    if (((bytes[i + k] as number) & 0xc0) !== 0x80) return 0;
  }
  return length;
}

/** Whether `bytes[start..end)` may be a topic name: valid UTF-8, not empty, without wildcards. */
export function isTopicName(bytes: Uint8Array, start: number, end: number): boolean {
  if (end <= start || !isUtf8(bytes, start, end)) return false;
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    if (byte === 0x23 || byte === 0x2b) return false; // # + [MQTT-3.3.2-2]
  }
  return true;
}

/** How long a Variable Byte Integer is; `value` is at most VARINT_MAX. */
export function varintBytes(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  return value < 0x200000 ? 3 : 4;
}

/** Writes a Variable Byte Integer in its shortest form [MQTT-1.5.5-1]; returns where it ends. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  let end = at;
  for (; rest > 0x7f; rest >>>= 7) bytes[end++] = (rest & 0x7f) | 0x80;
  bytes[end++] = rest;
  return end;
}

/** Where the UTF-8 Encoded String at `position` ends; -1 when it is not one, or already is -1. */
export function stringEnd(bytes: Uint8Array, position: number, end: number): number {
  if (position < 0 || position + 2 > end) return -1;
  const start = position + 2;
  const stop = start + (((bytes[position] as number) << 8) | (bytes[position + 1] as number));
  if (stop > end || !isUtf8(bytes, start, stop)) return -1;
  return stop;
}
