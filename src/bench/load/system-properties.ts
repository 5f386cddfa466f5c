/* The properties of MQTT v5 that every message of a load has beside user properties, where it has any. */

const PAYLOAD_FORMAT_INDICATOR = 0x01;
const MESSAGE_EXPIRY_INTERVAL = 0x02;
const CONTENT_TYPE = 0x03;
const RESPONSE_TOPIC = 0x08;
const CORRELATION_DATA = 0x09;

export const SYSTEM_PROPERTIES = {
  /** Unspecified bytes: a stamp is no text. */
  payloadFormat: 0,
  /** Longer than any message waits. */
  expirySeconds: 3600,
  contentType: 'application/json',
  responseTopic: 'bench/answers',
  /** No UTF-8. */
  correlationData: Buffer.from([0xff, 0x00, 0x0d, 0x80]),
} as const;

/** As they stand in a PUBLISH. */
export function systemPropertiesOfPublish(): Buffer {
  const { payloadFormat, expirySeconds, contentType, responseTopic, correlationData } =
    SYSTEM_PROPERTIES;
  const expiry = Buffer.alloc(4);
  expiry.writeUInt32BE(expirySeconds);
  const sized = (id: number, value: Buffer) => [
    Buffer.from([id, value.length >> 8, value.length & 0xff]),
    value,
  ];
  return Buffer.concat([
    Buffer.from([PAYLOAD_FORMAT_INDICATOR, payloadFormat, MESSAGE_EXPIRY_INTERVAL]),
    expiry,
    ...sized(CONTENT_TYPE, Buffer.from(contentType)),
    ...sized(RESPONSE_TOPIC, Buffer.from(responseTopic)),
    ...sized(CORRELATION_DATA, correlationData),
  ]);
}
