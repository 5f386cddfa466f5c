import { isUtf8 } from 'node:buffer';
import { ReasonCode } from './reason-code.js';
import { readVariableByteInteger, variableByteIntegerBytes } from './variable-byte-integer.js';

/* The properties of a PUBLISH as bytes. They travel through the broker as they came: mqtt-packet
 * would regroup repeated user properties and lose their order, which must survive
 * [MQTT-3.3.2-18]. */

/** Property identifiers that PUBLISH may carry. */
export const PropertyId = {
  payloadFormatIndicator: 0x01,
  messageExpiryInterval: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  subscriptionIdentifier: 0x0b,
  topicAlias: 0x23,
  userProperty: 0x26,
} as const;

export interface PublishProperties {
  readonly payloadFormatIndicator?: 0 | 1;
  readonly contentType?: string;
  readonly responseTopic?: string;
  readonly correlationData?: Uint8Array;
  /** In order; a name may be repeated. */
  readonly userProperties?: readonly (readonly [string, string])[];
}

/** Called for each property: `start` is at its identifier, `valueStart` behind it. */
export type OnProperty = (id: number, start: number, valueStart: number, end: number) => number;

/** Walks the properties between `start` and `end`; stops at the first reason code that is not
 * success, its own or that of `onProperty`. */
export function walkProperties(
  source: Buffer,
  range: { readonly start: number; readonly end: number },
  onProperty: OnProperty,
): number {
  let offset = range.start;
  while (offset < range.end) {
    const id = source[offset] ?? 0;
    const valueStart = offset + 1;
    const valueEnd = endOfValue(source, id, valueStart, range.end);
    if (valueEnd < 0 || valueEnd > range.end) return ReasonCode.malformedPacket;
    const reasonCode = onProperty(id, offset, valueStart, valueEnd);
    if (reasonCode !== ReasonCode.success) return reasonCode;
    offset = valueEnd;
  }
  return ReasonCode.success;
}

function endOfValue(source: Buffer, id: number, start: number, end: number): number {
  switch (id) {
    case PropertyId.payloadFormatIndicator:
      return start + 1;
    case PropertyId.messageExpiryInterval:
      return start + 4;
    case PropertyId.topicAlias:
      return start + 2;
    case PropertyId.contentType:
    case PropertyId.responseTopic:
      return endOfString(source, start, end);
    case PropertyId.correlationData:
      return start + 2 > end ? -1 : start + 2 + source.readUInt16BE(start);
    case PropertyId.userProperty: {
      const value = endOfString(source, start, end);
      return value < 0 ? -1 : endOfString(source, value, end);
    }
    case PropertyId.subscriptionIdentifier: {
      const value = readVariableByteInteger(source, start, end);
      return value < 0 ? -1 : start + variableByteIntegerBytes(value);
    }
    default:
      return -1;
  }
}

/** -1 unless a well-formed UTF-8 string without U+0000 starts at `start` [MQTT-1.5.4-1, -2]. */
export function endOfString(source: Buffer, start: number, end: number): number {
  if (start + 2 > end) return -1;
  const stringEnd = start + 2 + source.readUInt16BE(start);
  if (stringEnd > end) return -1;
  const bytes = source.subarray(start + 2, stringEnd);
  return isUtf8(bytes) && !bytes.includes(0) ? stringEnd : -1;
}

/** The bytes of `properties`, without the length before them. */
export function encodeProperties(properties: PublishProperties): Buffer {
  const parts: Buffer[] = [];
  if (properties.payloadFormatIndicator !== undefined)
    parts.push(Buffer.from([PropertyId.payloadFormatIndicator, properties.payloadFormatIndicator]));
  if (properties.contentType !== undefined)
    parts.push(Buffer.from([PropertyId.contentType]), binary(properties.contentType));
  if (properties.responseTopic !== undefined)
    parts.push(Buffer.from([PropertyId.responseTopic]), binary(properties.responseTopic));
  if (properties.correlationData !== undefined)
    parts.push(Buffer.from([PropertyId.correlationData]), binary(properties.correlationData));
  for (const [name, value] of properties.userProperties ?? [])
    parts.push(Buffer.from([PropertyId.userProperty]), binary(name), binary(value));
  return Buffer.concat(parts);
}

function binary(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? Buffer.from(value) : value;
  if (bytes.length > 65_535) throw new RangeError('an MQTT string has at most 65,535 bytes');
  const length = Buffer.allocUnsafe(2);
  length.writeUInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** The reverse of `encodeProperties`; what the broker adds for one connection is left out. */
export function decodeProperties(source: Buffer): PublishProperties {
  const decoded: { -readonly [K in keyof PublishProperties]: PublishProperties[K] } = {};
  const userProperties: [string, string][] = [];
  const range = { start: 0, end: source.length };
  walkProperties(source, range, (id, _start, valueStart, end) => {
    if (id === PropertyId.payloadFormatIndicator)
      decoded.payloadFormatIndicator = source[valueStart] === 1 ? 1 : 0;
    else if (id === PropertyId.contentType)
      decoded.contentType = source.toString('utf8', valueStart + 2, end);
    else if (id === PropertyId.responseTopic)
      decoded.responseTopic = source.toString('utf8', valueStart + 2, end);
    else if (id === PropertyId.correlationData)
      decoded.correlationData = source.subarray(valueStart + 2, end);
    else if (id === PropertyId.userProperty) {
      const valueAt = valueStart + 2 + source.readUInt16BE(valueStart);
      const name = source.toString('utf8', valueStart + 2, valueAt);
      userProperties.push([name, source.toString('utf8', valueAt + 2, end)]);
    }
    return ReasonCode.success;
  });
  if (userProperties.length > 0) decoded.userProperties = userProperties;
  return decoded;
}
