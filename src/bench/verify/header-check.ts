/* HeaderCheck: whether a record of a load has the headers that it must have, in their order, and no others.
 * With copyMqttProperties they are
 *
 *   user properties, the key's own among them; what stands for properties of MQTT; Topic, QoS, Retain, Millrace
 *
 * and without it Topic alone. Another connector names and orders headers as it likes: of its records only
 * the user properties are looked at, wherever they stand.
 */
import { readRecord } from '../../channel/record-frame.js';
import type { RecordRing } from '../../channel/record-ring.js';
import type { Qos } from '../../config/model.js';
import { goTogether } from '../load/load-part.js';
import { numberOf } from '../load/numbered-name.js';
import { topicNameOf, userPropertyOf } from '../load/payload.js';
import { SYSTEM_PROPERTIES } from '../load/system-properties.js';
import { HeaderCursor, numberAtEnd } from './record-parts.js';

/** What of a load its headers follow from. */
export interface ExpectedHeaders {
  /** Whether the connector is Millrace. */
  readonly ofMillrace: boolean;
  readonly copyProperties: boolean;
  readonly userProperties: number;
  readonly systemProperties: boolean;
  readonly keyProperty: string | undefined;
  readonly topicRoot: string;
  readonly topics: number;
  readonly keys: number;
  readonly routes: number;
  readonly connections: number;
  readonly qos: Qos;
  /** By route: what the header Millrace names as the way that a message came. */
  readonly paths: readonly string[];
}

/** Which headers were looked at. */
export type HeadersChecked = 'all' | 'user properties' | 'none';

export function headersChecked(expected: ExpectedHeaders): HeadersChecked {
  if (expected.ofMillrace) return 'all';
  return expected.copyProperties && expected.userProperties > 0 ? 'user properties' : 'none';
}

/** One header that is expected next. */
interface Header {
  readonly name: Buffer;
  readonly isRight: (record: RecordRing) => boolean;
}

export class HeaderCheck {
  readonly #expected: ExpectedHeaders;
  readonly #headers: readonly Header[];
  /** What topic names begin with, by route. */
  readonly #topicPrefixes: readonly Buffer[];
  readonly #cursor = new HeaderCursor();
  /** Of the record at hand, once its header Topic is right. */
  #topic = 0;

  constructor(expected: ExpectedHeaders) {
    const { topicRoot, routes } = expected;
    this.#expected = expected;
    this.#headers = this.#expectedHeaders();
    this.#topicPrefixes = Array.from({ length: routes }, (_, route) => {
      const name = topicNameOf(topicRoot, route, routes);
      return Buffer.from(name.slice(0, name.lastIndexOf('/') + 1));
    });
  }

  /** What is wrong with the headers of a record, for people; undefined: nothing. Its key is right. */
  wrongWith(record: RecordRing): string | undefined {
    const checked = headersChecked(this.#expected);
    if (checked === 'none') return undefined;
    if (checked === 'user properties') return this.#wrongProperties(record);
    const cursor = this.#cursor;
    cursor.begin(record);
    for (const { name, isRight } of this.#headers) {
      if (!cursor.next()) return `it has no header ${name}`;
      if (!cursor.is(name)) return `it has a header ${cursor.name} where ${name} must be`;
      if (!isRight(record)) return `its header ${name} has another value`;
    }
    return cursor.next() ? `it has a header ${cursor.name} too many` : undefined;
  }

  #wrongProperties(record: RecordRing): string | undefined {
    const { headers } = readRecord(record.frame, record.large);
    const prefix = userPropertyOf(0)[0].slice(0, -1);
    const found = headers.filter(([name]) => name.startsWith(prefix));
    const { userProperties } = this.#expected;
    const isRight = ([name, value]: readonly [string, Uint8Array | null], n: number) => {
      const [expectedName, expectedValue] = userPropertyOf(n);
      return name === expectedName && Buffer.from(value ?? []).toString() === expectedValue;
    };
    if (found.length === userProperties && found.every(isRight)) return undefined;
    return 'its headers are not the user properties';
  }

  #expectedHeaders(): Header[] {
    const { copyProperties, userProperties, keyProperty, systemProperties, qos } = this.#expected;
    const topic = {
      name: Buffer.from('Topic'),
      isRight: (record: RecordRing) => this.#isTopic(record),
    };
    if (!copyProperties) return [topic];
    const properties = Array.from({ length: userProperties }, (_, n) => userPropertyOf(n));
    const key = {
      name: Buffer.from(keyProperty ?? ''),
      isRight: (record: RecordRing) => this.#isKey(record),
    };
    return [
      ...properties.map(([name, value]) => this.#fixed(name, Buffer.from(value))),
      ...(keyProperty === undefined ? [] : [key]),
      ...(systemProperties ? this.#systemHeaders() : []),
      topic,
      this.#fixed('QoS', Buffer.from(`${qos}`)),
      this.#fixed('Retain', Buffer.from('0')),
      this.#millrace(),
    ];
  }

  #systemHeaders(): Header[] {
    const { payloadFormat, contentType, responseTopic, correlationData } = SYSTEM_PROPERTIES;
    return [
      this.#fixed('Payload Format Indicator', Buffer.from(`${payloadFormat}`)),
      this.#fixed('Response Topic', Buffer.from(responseTopic)),
      { name: Buffer.from('Message Expiry Interval'), isRight: () => this.#isRemaining() },
      this.#fixed('Correlation Data', correlationData),
      this.#fixed('Content Type', Buffer.from(contentType)),
    ];
  }

  #millrace(): Header {
    const { systemProperties, paths } = this.#expected;
    const system = systemProperties
      ? 'Payload Format Indicator,Response Topic,Message Expiry Interval,Correlation Data,Content Type,'
      : '';
    const values = paths.map((path) =>
      Buffer.from(`v=1;properties=${system}Topic,QoS,Retain;path=${path}`),
    );
    const isRight = () => this.#cursor.valueIs(values[this.#topic % values.length] as Buffer);
    return { name: Buffer.from('Millrace'), isRight };
  }

  #fixed(name: string, value: Buffer): Header {
    return { name: Buffer.from(name), isRight: () => this.#cursor.valueIs(value) };
  }

  #isKey({ body, keyStart, headersStart }: RecordRing): boolean {
    return this.#cursor.valueIs(body.subarray(keyStart, headersStart));
  }

  /** The seconds that remain are fewer by those that the message has waited. */
  #isRemaining(): boolean {
    const text = this.#cursor.value.toString('latin1');
    return /^[1-9]\d{0,3}$/.test(text) && Number(text) <= SYSTEM_PROPERTIES.expirySeconds;
  }

  #isTopic(record: RecordRing): boolean {
    const { body, keyStart, headersStart } = record;
    const { keyProperty, topics, keys, routes, connections } = this.#expected;
    const { valueStart, valueEnd } = this.#cursor;
    const topic = numberAtEnd(body, valueStart, valueEnd);
    this.#topic = topic;
    if (topic < 0) return false;
    if (keyProperty === undefined) return this.#isKey(record);
    const prefix = this.#topicPrefixes[topic % routes];
    if (prefix === undefined || numberOf(prefix, body, valueStart, valueEnd) !== topic)
      return false;
    const key = numberAtEnd(body, keyStart, headersStart);
    return topic < topics && goTogether({ topics, keys, parts: connections }, topic, key);
  }
}
