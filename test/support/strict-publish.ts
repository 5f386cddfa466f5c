/* A PUBLISH read strictly by MQTT 5, section 3.3, slowly and plainly: what the fast lane is held
 * against. It names the first rule that a packet breaks. */

export type Rule =
  | 'QoS 2'
  | 'QoS 3'
  | 'DUP at QoS 0'
  | 'shorter than its fields'
  | 'packet identifier 0'
  | 'integer not in its shortest form'
  | 'integer of five bytes'
  | 'properties longer than the packet'
  | 'property that PUBLISH may not have'
  | 'property longer than the properties'
  | 'property repeated'
  | 'text not UTF-8'
  | 'U+0000 in text'
  | 'Payload Format Indicator over 1'
  | 'Topic Alias 0'
  | 'Subscription Identifier 0'
  | 'Response Topic that is no topic name'
  | 'wildcard in the topic name'
  | 'neither topic name nor Topic Alias';

export interface PublishValues {
  readonly qos: number;
  readonly dup: boolean;
  readonly retain: boolean;
  readonly packetId: number;
  readonly topic: string;
  readonly payload: string;
  readonly payloadFormat: number | undefined;
  readonly expirySeconds: number | undefined;
  readonly contentType: string | undefined;
  readonly responseTopic: string | undefined;
  /** In hexadecimal digits, as is the payload. */
  readonly correlationData: string | undefined;
  readonly topicAlias: number | undefined;
  readonly subscriptionIds: readonly number[];
  readonly userProperties: readonly (readonly [string, string])[];
}

class Broken extends Error {
  readonly rule: Rule;
  constructor(rule: Rule) {
    super(rule);
    this.rule = rule;
  }
}

/** Reads fields one after another; `overrun` is the rule that a field past the end breaks. */
class Fields {
  readonly #bytes: Buffer;
  readonly #overrun: Rule;
  #at = 0;

  constructor(bytes: Uint8Array, overrun: Rule) {
    this.#bytes = Buffer.from(bytes);
    this.#overrun = overrun;
  }

  get ended(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(count: number, overrun = this.#overrun): Buffer {
    if (this.#at + count > this.#bytes.length) throw new Broken(overrun);
    this.#at += count;
    return this.#bytes.subarray(this.#at - count, this.#at);
  }

  rest(): Buffer {
    return this.take(this.#bytes.length - this.#at);
  }

  integer(bytes: number): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  varint(): number {
    let value = 0;
    for (let i = 0; i < 4; i++) {
      const byte = this.integer(1);
      value += (byte % 128) * 128 ** i;
      if (byte >= 128) continue;
      if (byte === 0 && i > 0) throw new Broken('integer not in its shortest form');
      return value;
    }
    throw new Broken('integer of five bytes');
  }

  binary(): Buffer {
    return this.take(this.integer(2));
  }

  text(): string {
    const bytes = this.binary();
    let text: string;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      throw new Broken('text not UTF-8');
    }
    if (text.includes('\0')) throw new Broken('U+0000 in text');
    return text;
  }
}

/** The values of a whole packet, or the rule that it breaks. */
export function readStrictly(packet: Uint8Array): PublishValues | Rule {
  try {
    return read(packet);
  } catch (error) {
    if (error instanceof Broken) return error.rule;
    throw error;
  }
}

function read(packet: Uint8Array): PublishValues {
  const fields = new Fields(packet, 'shorter than its fields');
  const flags = fields.integer(1) % 16;
  const qos = Math.floor(flags / 2) % 4;
  const dup = flags >= 8;
  if (qos === 2) throw new Broken('QoS 2');
  if (qos === 3) throw new Broken('QoS 3');
  if (dup && qos === 0) throw new Broken('DUP at QoS 0');
  fields.varint();
  const topic = fields.text();
  const packetId = qos === 1 ? fields.integer(2) : 0;
  if (qos === 1 && packetId === 0) throw new Broken('packet identifier 0');
  const propertyBytes = fields.varint();
  const properties = fields.take(propertyBytes, 'properties longer than the packet');
  const values = readProperties(properties);
  if (/[+#]/.test(topic)) throw new Broken('wildcard in the topic name');
  if (topic === '' && values.topicAlias === undefined) {
    throw new Broken('neither topic name nor Topic Alias');
  }
  const payload = fields.rest().toString('hex');
  return { qos, dup, retain: flags % 2 === 1, packetId, topic, payload, ...values };
}

type PropertyValues = Omit<
  PublishValues,
  'qos' | 'dup' | 'retain' | 'packetId' | 'topic' | 'payload'
>;

function readProperties(bytes: Uint8Array): PropertyValues {
  const fields = new Fields(bytes, 'property longer than the properties');
  const single = new Map<number, number | string>();
  const subscriptionIds: number[] = [];
  const userProperties: [string, string][] = [];
  const readers = new Map<number, () => number | string>([
    [0x01, () => atMost(fields.integer(1), 1)],
    [0x02, () => fields.integer(4)],
    [0x03, () => fields.text()],
    [0x08, () => topicName(fields.text())],
    [0x09, () => fields.binary().toString('hex')],
    [0x23, () => notZero(fields.integer(2), 'Topic Alias 0')],
  ]);
  while (!fields.ended) {
    const id = fields.integer(1);
    if (id === 0x0b) subscriptionIds.push(notZero(fields.varint(), 'Subscription Identifier 0'));
    else if (id === 0x26) userProperties.push([fields.text(), fields.text()]);
    else {
      const reader = readers.get(id);
      if (reader === undefined) throw new Broken('property that PUBLISH may not have');
      if (single.has(id)) throw new Broken('property repeated');
      single.set(id, reader());
    }
  }
  return {
    payloadFormat: single.get(0x01) as number | undefined,
    expirySeconds: single.get(0x02) as number | undefined,
    contentType: single.get(0x03) as string | undefined,
    responseTopic: single.get(0x08) as string | undefined,
    correlationData: single.get(0x09) as string | undefined,
    topicAlias: single.get(0x23) as number | undefined,
    subscriptionIds,
    userProperties,
  };
}

function atMost(value: number, limit: number): number {
  if (value > limit) throw new Broken('Payload Format Indicator over 1');
  return value;
}

function notZero(value: number, rule: Rule): number {
  if (value === 0) throw new Broken(rule);
  return value;
}

function topicName(text: string): string {
  if (text === '' || /[+#]/.test(text)) throw new Broken('Response Topic that is no topic name');
  return text;
}
