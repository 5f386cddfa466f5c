/* What MQTT 5 allows as text, told of bytes that came from Kafka, where anything may be. Pure. */
import { isUtf8 } from 'node:buffer';

/** The longest UTF-8 Encoded String, and the longest Binary Data: sections 1.5.4 and 1.5.6. */
export const MQTT_TEXT_BYTES_MAX = 65_535;

const PLUS = 0x2b;
const HASH = 0x23;

/** Well-formed UTF-8 [MQTT-1.5.4-1] without U+0000 [MQTT-1.5.4-2]; its length is not looked at. */
export function isMqttText(bytes: Uint8Array, start: number, end: number): boolean {
  let every = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i] as number;
    if (byte === 0) return false;
    every |= byte;
  }
  return every < 0x80 || isUtf8(bytes.subarray(start, end));
}

/** The first wildcard in a topic name, where none may be [MQTT-3.3.2-2]. */
export function wildcardIn(bytes: Uint8Array, start: number, end: number): '+' | '#' | undefined {
  for (let i = start; i < end; i++) {
    if (bytes[i] === PLUS) return '+';
    if (bytes[i] === HASH) return '#';
  }
  return undefined;
}

/** Whether it may be a topic name: text that is not empty nor too long, without wildcards. */
export function isMqttTopicName(bytes: Uint8Array, start: number, end: number): boolean {
  return (
    end > start &&
    end - start <= MQTT_TEXT_BYTES_MAX &&
    isMqttText(bytes, start, end) &&
    wildcardIn(bytes, start, end) === undefined
  );
}
