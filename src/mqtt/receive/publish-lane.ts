/* The fast lane: reads a PUBLISH of QoS 0 or 1 in place, without making an object. It accepts only
 * what MQTT 5 allows; everything else it leaves to mqtt-packet and to publish-check.ts, which find
 * out what is wrong. test/mqtt/publish-lane.fuzz.test.ts holds it against mqtt-packet.
 */
import { HEADER_PART_BYTES_MAX } from '../../config/limits.js';
import { isTopicName, stringEnd } from '../wire.js';
import { ABSENT, type Publish, SUBSCRIPTION_IDS_MAX } from './publish.js';

/** What the lane says of a packet. */
export const LANE_READ = 0;
/** Not for the lane: QoS 2, or not as MQTT 5 has it. */
export const LANE_LEFT = 1;
/** Topic name and properties are not all there yet. */
export const LANE_INCOMPLETE = 2;
/** Topic name and properties are more than HEADER_PART_BYTES_MAX: which fields of the Publish hold, its
 * `unreadBytes` says. */
export const LANE_TOO_LONG = 3;

/**
 * Reads the PUBLISH whose fixed header ends at `bodyStart` and whose last byte is before
 * `packetEnd`, of which the bytes before `available` are there. The payload need not be: when
 * LANE_READ comes back, all but the payload is.
 */
export function readPublish(
  firstByte: number,
  bodyStart: number,
  packetEnd: number,
  available: number,
  out: Publish,
): number {
  const bytes = out.bytes;
  const qos = (firstByte >> 1) & 3;
  if (qos > 1) return LANE_LEFT; // [MQTT-3.3.1-4]
  const dup = (firstByte & 8) !== 0;
  if (dup && qos === 0) return LANE_LEFT; // [MQTT-3.3.1-2]
  const end = Math.min(packetEnd, available);
  const short = end < packetEnd ? LANE_INCOMPLETE : LANE_LEFT;
  let position = bodyStart;
  if (position + 2 > end) return short;
  const topicStart = position + 2;
  const topicEnd =
    topicStart + (((bytes[position] as number) << 8) | (bytes[position + 1] as number));
  position = topicEnd;
  let packetId = 0;
  if (qos === 1) {
    if (position + 2 > end) return position + 2 > packetEnd ? LANE_LEFT : short;
    packetId = ((bytes[position] as number) << 8) | (bytes[position + 1] as number);
    if (packetId === 0) return LANE_LEFT; // [MQTT-2.2.1-2]
    position += 2;
  }
  // Property Length: a Variable Byte Integer, in its shortest form [MQTT-1.5.5-1].
  let length = 0;
  let shift = 0;
  for (;;) {
    if (position >= end) return position >= packetEnd ? LANE_LEFT : short;
    const byte = bytes[position++] as number;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (byte === 0 && shift > 0) return LANE_LEFT;
      break;
    }
    shift += 7;
    if (shift > 21) return LANE_LEFT;
  }
  const propertiesEnd = position + length;
  if (propertiesEnd > packetEnd) return LANE_LEFT;
  const isTooLong = propertiesEnd - bodyStart > HEADER_PART_BYTES_MAX;
  if (propertiesEnd > end && !isTooLong) return LANE_INCOMPLETE;
  out.qos = qos;
  out.dup = dup;
  out.retain = (firstByte & 1) !== 0;
  out.packetId = packetId;
  out.topicStart = topicStart;
  out.topicEnd = topicEnd;
  out.propertiesStart = position;
  out.propertiesEnd = propertiesEnd;
  out.payloadStart = propertiesEnd;
  out.payloadBytes = packetEnd - propertiesEnd;
  out.slabOffset = ABSENT;
  forgetProperties(out);
  out.unreadBytes = isTooLong ? propertiesEnd - bodyStart : 0;
  if (isTooLong) return LANE_TOO_LONG;
  if (length > 0 && !readProperties(bytes, position, propertiesEnd, out)) return LANE_LEFT;
  // An empty topic name needs an alias to say which it is [MQTT-3.3.2-8].
  if (topicEnd === topicStart && out.topicAlias === 0) return LANE_LEFT;
  return LANE_READ;
}

function forgetProperties(out: Publish): void {
  out.topicAlias = 0;
  out.payloadFormat = ABSENT;
  out.expirySeconds = ABSENT;
  out.contentTypeStart = ABSENT;
  out.responseTopicStart = ABSENT;
  out.correlationDataStart = ABSENT;
  out.userProperties = 0;
  out.subscriptionIds = 0;
}

/** Walks the properties of a PUBLISH, section 3.3.2.3. False when one is not as it has to be. */
function readProperties(bytes: Uint8Array, start: number, end: number, out: Publish): boolean {
  let position = start;
  while (position < end) {
    const id = bytes[position++] as number;
    switch (id) {
      case 0x0b:
        position = readSubscriptionId(bytes, position, end, out);
        break;
      case 0x26:
        position = stringEnd(bytes, stringEnd(bytes, position, end), end);
        out.userProperties++;
        break;
      case 0x02:
        if (out.expirySeconds !== ABSENT || position + 4 > end) return false;
        out.expirySeconds =
          (((bytes[position] as number) << 24) |
            ((bytes[position + 1] as number) << 16) |
            ((bytes[position + 2] as number) << 8) |
            (bytes[position + 3] as number)) >>>
          0;
        position += 4;
        break;
      case 0x23:
        if (out.topicAlias !== 0 || position + 2 > end) return false;
        out.topicAlias = ((bytes[position] as number) << 8) | (bytes[position + 1] as number);
        if (out.topicAlias === 0) return false;
        position += 2;
        break;
      case 0x01:
        if (out.payloadFormat !== ABSENT || position >= end) return false;
        out.payloadFormat = bytes[position++] as number;
        if (out.payloadFormat > 1) return false;
        break;
      case 0x03:
        if (out.contentTypeStart !== ABSENT) return false;
        out.contentTypeStart = position + 2;
        position = stringEnd(bytes, position, end);
        out.contentTypeEnd = position;
        break;
      case 0x08:
        if (out.responseTopicStart !== ABSENT) return false;
        out.responseTopicStart = position + 2;
        position = stringEnd(bytes, position, end);
        out.responseTopicEnd = position;
        if (position > 0 && !isTopicName(bytes, out.responseTopicStart, position)) return false;
        break;
      case 0x09:
        if (out.correlationDataStart !== ABSENT || position + 2 > end) return false;
        out.correlationDataStart = position + 2;
        position += 2 + (((bytes[position] as number) << 8) | (bytes[position + 1] as number));
        out.correlationDataEnd = position;
        break;
      default:
        return false;
    }
    if (position < 0 || position > end) return false;
  }
  return true;
}

function readSubscriptionId(bytes: Uint8Array, start: number, end: number, out: Publish): number {
  let position = start;
  let id = 0;
  let shift = 0;
  for (;;) {
    if (position >= end || shift > 21) return ABSENT;
    const byte = bytes[position++] as number;
    id |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      if (byte === 0 && shift > 0) return ABSENT;
      break;
    }
    shift += 7;
  }
  if (id === 0 || out.subscriptionIds === SUBSCRIPTION_IDS_MAX) return ABSENT; // [MQTT-3.8.2.1.2]
  out.subscriptionId[out.subscriptionIds++] = id;
  return position;
}
