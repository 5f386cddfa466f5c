/* What a message of the generator says of itself, in the first bytes of its payload:
 *
 *   u32 check   u32 sequence   f64 dueAtMs     little endian
 *
 * `sequence` is its number among all stamped messages of its run, from 0. `dueAtMs` is when it was to be
 * sent. `check` is made of these and of a checksum of what is the same for all messages of its key and
 * size, so that a stamp in the wrong message shows.
 */
import { crc32 } from 'node:zlib';

export const STAMP_BYTES = 16;

const CRC_POLYNOMIAL = 0xedb88320;
const KEY_FACTOR = 0x01000193;
/** Those of MurmurHash3 and of the golden ratio: each bit of the input changes half of the output. */
const FACTOR_1 = 0x9e3779b1;
const FACTOR_2 = 0x85ebca6b;
const FACTOR_3 = 0xc2b2ae35;

/** Of CRC-32: what a byte adds. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? CRC_POLYNOMIAL : 0);
  return crc;
});

/** Of all messages with this key and this payload after its stamp. */
export function contentChecksum(keyChecksum: number, payloadChecksum: number): number {
  return (Math.imul(keyChecksum, KEY_FACTOR) ^ payloadChecksum) >>> 0;
}

/** CRC-32 of what follows the stamp. */
export function payloadChecksum(payload: Buffer): number {
  return crc32(payload.subarray(STAMP_BYTES));
}

/** CRC-32. */
export function keyChecksum(key: Buffer): number {
  return crc32(key);
}

/** The same of a key from `at` to `end`; for few bytes it costs less than a call of zlib's. */
export function keyChecksumAt(bytes: Uint8Array, at: number, end: number): number {
  let crc = -1;
  for (let n = at; n < end; n += 1) {
    crc = (crc >>> 8) ^ (CRC_TABLE[(crc ^ (bytes[n] as number)) & 0xff] as number);
  }
  return ~crc >>> 0;
}

/** Writes a stamp at `at`, and gives its check. */
export function writeStamp(
  bytes: DataView,
  at: number,
  content: number,
  sequence: number,
  dueAtMs: number,
): number {
  bytes.setUint32(at + 4, sequence, true);
  bytes.setFloat64(at + 8, dueAtMs, true);
  const check = checkAt(bytes, at, content);
  bytes.setUint32(at, check, true);
  return check;
}

/** What the check must be of a stamp at `at` of a message with this content. */
export function checkAt(bytes: DataView, at: number, content: number): number {
  const sequence = bytes.getUint32(at + 4, true);
  let check = Math.imul(content ^ sequence, FACTOR_1);
  check = Math.imul(check ^ (check >>> 15) ^ bytes.getUint32(at + 8, true), FACTOR_2);
  check = Math.imul(check ^ (check >>> 13) ^ bytes.getUint32(at + 12, true), FACTOR_3);
  return (check ^ (check >>> 16)) >>> 0;
}

export function stampedCheck(bytes: DataView, at: number): number {
  return bytes.getUint32(at, true);
}

export function stampedSequence(bytes: DataView, at: number): number {
  return bytes.getUint32(at + 4, true);
}

export function stampedDueAtMs(bytes: DataView, at: number): number {
  return bytes.getFloat64(at + 8, true);
}

/** A view of the same memory. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
