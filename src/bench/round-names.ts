/* What a round calls its topics, in Kafka and at the broker: names that nobody else has. */
import { randomBytes, randomUUID } from 'node:crypto';
import { type BenchOptions, publishes, reads } from './options.js';

export interface RoundNames {
  /** What the connector writes to. */
  readonly kafkaTopic: string;
  /** What it reads; its consumer group has the same name. */
  readonly feedTopic: string;
  /** What MQTT topics begin with, before a slash: of the load, and of what comes from Kafka. */
  readonly loadRoot: string;
  readonly feedRoot: string;
  /** Undefined: the generator is the broker. */
  readonly atBroker: NamesAtBroker | undefined;
}

/** At a broker that has other clients. */
export interface NamesAtBroker {
  /** Of the connector, and of the generator. */
  readonly clientIdPrefix: string;
  /** What comes to this topic goes to that topic of Kafka, and is no part of a load. */
  readonly readyMqttTopic: string;
  readonly readyKafkaTopic: string;
}

export function roundNames({ throughBroker }: BenchOptions): RoundNames {
  const kafkaTopic = `millrace-bench-${randomUUID()}`;
  const inKafka = { kafkaTopic, feedTopic: `${kafkaTopic}-feed` };
  if (throughBroker === undefined) {
    return { ...inKafka, loadRoot: 'bench', feedRoot: 'feed', atBroker: undefined };
  }
  // Short: topic names are part of every message.
  const id = `bench-${randomBytes(4).toString('hex')}`;
  return {
    ...inKafka,
    loadRoot: `${id}/load`,
    feedRoot: `${id}/feed`,
    atBroker: {
      clientIdPrefix: id,
      readyMqttTopic: `${id}/ready`,
      readyKafkaTopic: `${kafkaTopic}-ready`,
    },
  };
}

/** The topics of Kafka that a round needs. */
export function kafkaTopicsOf(options: BenchOptions, names: RoundNames): string[] {
  const { kafkaTopic, feedTopic, atBroker } = names;
  const ready = atBroker === undefined ? [] : [atBroker.readyKafkaTopic];
  return [
    ...(publishes(options) ? [kafkaTopic, ...ready] : []),
    ...(reads(options) ? [feedTopic] : []),
  ];
}
