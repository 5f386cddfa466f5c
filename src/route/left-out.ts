/* Why a header, or the key, is not among the properties of a PUBLISH: for logs and for `explain`. Pure. */
import { isMqttText, MQTT_TEXT_BYTES_MAX } from './mqtt-text.js';
import {
  headerEnd,
  headerIsNull,
  headerName,
  headerNameStart,
  headerValueStart,
  type RecordBytes,
} from './record-bytes.js';

/** Stands for the key among places of headers. */
export const LEFT_OUT_KEY = -1;
/** How many of the headers of a record that are left out can be told by their places. */
export const LEFT_OUT_PLACES = 8;

export interface LeftOut {
  /** The name of the header; undefined for the key. */
  readonly header: string | undefined;
  readonly why: string;
}

/** @param at one of the places that to-mqtt.ts has left out */
export function whyLeftOut(record: RecordBytes, at: number): LeftOut {
  const { bytes, keyStart, keyBytes } = record;
  if (at === LEFT_OUT_KEY) {
    return { header: undefined, why: whyNoText(bytes, keyStart, keyStart + keyBytes) };
  }
  const header = headerName(bytes, at);
  const nameStart = headerNameStart(at);
  const valueStart = headerValueStart(bytes, at);
  if (headerIsNull(bytes, at)) return { header, why: 'it has no value' };
  if (!isMqttText(bytes, nameStart, valueStart)) {
    return { header, why: `its name: ${whyNoText(bytes, nameStart, valueStart)}` };
  }
  return { header, why: whyNoText(bytes, valueStart, headerEnd(bytes, at)) };
}

function whyNoText(bytes: Uint8Array, start: number, end: number): string {
  const count = end - start;
  if (count > MQTT_TEXT_BYTES_MAX) return `${count} bytes, more than ${MQTT_TEXT_BYTES_MAX}`;
  return bytes.subarray(start, end).includes(0) ? 'U+0000 is in it' : 'it is not UTF-8';
}
