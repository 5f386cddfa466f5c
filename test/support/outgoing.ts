import { type IPublishPacket, parser } from 'mqtt-packet';
import { OutgoingPublish } from '../../src/mqtt/send/outgoing-publish.js';
import { OutgoingTopics } from '../../src/mqtt/send/outgoing-topics.js';

/* PUBLISHes that are sent: how a test makes them, and how their receiver reads them. */

const topics = new OutgoingTopics(1_024, 1);

export interface OutgoingParts {
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly topic: string;
  readonly properties: Uint8Array;
  readonly payload: Uint8Array;
}

/** Fills `publish`, anew or for the first time. */
export function outgoing(
  parts: Partial<OutgoingParts>,
  publish = new OutgoingPublish(),
): OutgoingPublish {
  publish.qos = parts.qos ?? 1;
  publish.retain = parts.retain ?? false;
  publish.topic = topics.find(parts.topic ?? 'plant/line/1');
  publish.properties = parts.properties ?? new Uint8Array(0);
  publish.propertiesStart = 0;
  publish.propertiesBytes = publish.properties.length;
  publish.payload = parts.payload ?? new Uint8Array(0);
  publish.payloadStart = 0;
  publish.payloadBytes = publish.payload.length;
  return publish;
}

/** Parses bytes that are whole packets, or throws. */
export function publishesIn(bytes: Uint8Array): IPublishPacket[] {
  const found: IPublishPacket[] = [];
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (packet) => {
    if (packet.cmd === 'publish') found.push(packet);
  });
  reader.on('error', (error: Error) => {
    throw error;
  });
  if (reader.parse(Buffer.from(bytes)) > 0) throw new Error('a packet is cut off');
  return found;
}

/** What a server knows of the aliases of one connection; throws where it would end that. */
export class ServerAliases {
  readonly #maximum: number;
  readonly #topics = new Map<number, string>();

  constructor(maximum: number) {
    this.#maximum = maximum;
  }

  topicOf({ topic, properties }: IPublishPacket): string {
    const alias = properties?.topicAlias;
    if (alias === undefined) return topic;
    if (alias < 1 || alias > this.#maximum) throw new Error(`0x94: alias ${alias}`);
    if (topic !== '') this.#topics.set(alias, topic);
    const known = this.#topics.get(alias);
    if (known === undefined) throw new Error(`0x82: alias ${alias} stands for nothing`);
    return known;
  }
}
