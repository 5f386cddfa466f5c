/* MQTT's Variable Byte Integer: seven bits a byte, the low ones first, at most four bytes. */

export const variableByteIntegerMax = 268_435_455;

/** How many bytes `value` takes. */
export function variableByteIntegerBytes(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}

/** Writes `value` at `offset`; returns the offset behind it. */
export function writeVariableByteInteger(target: Buffer, offset: number, value: number): number {
  let rest = value;
  let at = offset;
  while (rest >= 128) {
    target[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  target[at++] = rest;
  return at;
}

/** Not a value: more bytes are needed, or four bytes did not end it. */
export const incomplete = -1;
export const malformed = -2;

/** Reads the value at `offset`; the bytes that it took are `variableByteIntegerBytes` of it, since
 * a longer encoding than necessary is malformed [MQTT-1.5.5-1]. */
export function readVariableByteInteger(source: Buffer, offset: number, end: number): number {
  let value = 0;
  for (let index = 0; index < 4; index += 1) {
    if (offset + index >= end) return incomplete;
    const byte = source[offset + index] ?? 0;
    value |= (byte & 127) << (7 * index);
    if (byte < 128) return byte === 0 && index > 0 ? malformed : value;
  }
  return malformed;
}
