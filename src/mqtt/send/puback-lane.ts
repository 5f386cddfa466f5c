/* The fast lane of PUBACKs, section 3.4: reads one in place, without making an object. It accepts only
 * what MQTT 5 allows; the rest it leaves to mqtt-packet, which finds out what is wrong.
 * test/mqtt/puback-lane.fuzz.test.ts holds it against mqtt-packet.
 */
import { isPubackReason, SUCCESS } from '../reason-code.js';
import { stringEnd } from '../wire.js';

/** The flags are reserved and 0 [MQTT-2.1.3-1]. */
const PUBACK_FIRST_BYTE = 0x40;
/** What MQTT 5 does not allow. */
export const PUBACK_LEFT = -1;

const REASON_STRING = 0x1f;
const USER_PROPERTY = 0x26;

/**
 * Reads the PUBACK that begins at `packetStart`, has its fixed header up to `start`, and ends at `end`:
 * packet identifier and reason code, as `packetId << 8 | reasonCode`; or PUBACK_LEFT.
 */
export function readPuback(
  bytes: Uint8Array,
  packetStart: number,
  start: number,
  end: number,
): number {
  const length = end - start;
  if (bytes[packetStart] !== PUBACK_FIRST_BYTE || length < 2) return PUBACK_LEFT;
  const packetId = ((bytes[start] as number) << 8) | (bytes[start + 1] as number);
  if (packetId === 0) return PUBACK_LEFT;
  // Without a reason code it means success, section 3.4.2.1.
  const reasonCode = length === 2 ? SUCCESS : (bytes[start + 2] as number);
  if (!isPubackReason(reasonCode)) return PUBACK_LEFT;
  if (length > 3 && !areProperties(bytes, start + 3, end)) return PUBACK_LEFT;
  return (packetId << 8) | reasonCode;
}

/** Whether Property Length and properties fill `bytes[start..end)`, section 3.4.2.2. */
function areProperties(bytes: Uint8Array, start: number, end: number): boolean {
  let position = start;
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    if (position >= end || shift > 21) return false;
    const byte = bytes[position++] as number;
    length |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    if (byte === 0 && shift > 0) return false; // [MQTT-1.5.5-1]
    break;
  }
  if (position + length !== end) return false;
  let reasons = 0;
  while (position < end) {
    const id = bytes[position++];
    if (id === REASON_STRING && ++reasons === 1) position = stringEnd(bytes, position, end);
    else if (id === USER_PROPERTY)
      position = stringEnd(bytes, stringEnd(bytes, position, end), end);
    else return false;
    if (position < 0) return false;
  }
  return true;
}
