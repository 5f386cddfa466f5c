/* Properties of a PUBLISH, read in place where the fast lane has found them sound. Pure. */

/** What of a PUBLISH these functions need; mqtt/receive/publish.ts has it. */
export interface PropertyBytes {
  readonly bytes: Uint8Array;
  readonly propertiesStart: number;
  readonly propertiesEnd: number;
}

export const USER_PROPERTY = 0x26;

/** Where the user property at or after `position` begins (its name's length); -1 when there is none. */
export function nextUserProperty(bytes: Uint8Array, position: number, end: number): number {
  let at = position;
  while (at < end) {
    const id = bytes[at++] as number;
    if (id === USER_PROPERTY) return at;
    at = skipValue(bytes, at, id);
  }
  return -1;
}

function skipValue(bytes: Uint8Array, at: number, id: number): number {
  switch (id) {
    case 0x01:
      return at + 1;
    case 0x02:
      return at + 4;
    case 0x23:
      return at + 2;
    case 0x0b: {
      let end = at;
      while ((bytes[end] as number) >= 0x80) end++;
      return end + 1;
    }
    default:
      return at + 2 + u16(bytes, at);
  }
}

export function u16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

/** Where the value of the first user property of this name begins (its length); -1 without one. */
export function findUserProperty(publish: PropertyBytes, name: Uint8Array): number {
  const { bytes, propertiesEnd } = publish;
  let at = nextUserProperty(bytes, publish.propertiesStart, propertiesEnd);
  while (at >= 0) {
    const nameBytes = u16(bytes, at);
    const value = at + 2 + nameBytes;
    if (nameBytes === name.length && sameBytes(bytes, at + 2, name)) return value;
    at = nextUserProperty(bytes, value + 2 + u16(bytes, value), propertiesEnd);
  }
  return -1;
}

/** Whether `wanted` stands at `start`. */
export function sameBytes(bytes: Uint8Array, start: number, wanted: Uint8Array): boolean {
  for (let i = 0; i < wanted.length; i++) if (bytes[start + i] !== wanted[i]) return false;
  return true;
}

/** The value at the place that `findUserProperty` gave, as text. */
export function valueText(bytes: Uint8Array, at: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at + 2, u16(bytes, at)).toString('utf8');
}
