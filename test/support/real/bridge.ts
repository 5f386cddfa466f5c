import { type RunningConnector, startConnector } from '../connector.js';
import type { MapSpec, ResourcesInput } from '../resources.js';
import { until } from '../until.js';
import { type Kafka, type KafkaOptions, startKafka } from './kafka.js';
import { type KafkaRecord, readTopic } from './kcat.js';
import { type Mosquitto, type MosquittoOptions, startMosquitto } from './mosquitto.js';

/* mosquitto, Kafka and the connector as three parties of a test. */

export interface Servers {
  readonly kafka: Kafka;
  readonly mosquitto: Mosquitto;
}

/** What a bridge has to know of them; where there is a proxy, of that. */
export interface BridgeServers {
  readonly kafka: Pick<Kafka, 'bootstrap'>;
  readonly mosquitto: Pick<Mosquitto, 'port'>;
}

interface Teardown {
  teardown(callback: () => Promise<void>): void;
}

/** Starts both on free ports; they end with `t`. */
export async function startServers(
  t: Teardown,
  kafkaOptions: KafkaOptions = {},
  mosquittoOptions: MosquittoOptions = {},
): Promise<Servers> {
  const [kafka, mosquitto] = await Promise.all([
    startKafka(kafkaOptions),
    startMosquitto(mosquittoOptions),
  ]);
  t.teardown(async () => {
    await Promise.all([kafka.stop(), mosquitto.stop()]);
  });
  return { kafka, mosquitto };
}

/** As `startServers`, and creates a topic of one partition. */
export async function startServersWithTopic(
  t: Teardown,
  topic: string,
  ...options: [kafka?: KafkaOptions, mosquitto?: MosquittoOptions]
): Promise<Servers> {
  const servers = await startServers(t, ...options);
  await servers.kafka.createTopic(topic, 1);
  return servers;
}

export interface BridgeOptions extends Partial<ResourcesInput> {
  readonly maps: readonly MapSpec[];
  /** Tells the session apart from those of other tests on the same broker. */
  readonly clientIdPrefix?: string;
  readonly args?: readonly string[];
  /** Beside that of this process. */
  readonly environment?: NodeJS.ProcessEnv;
}

/** `millrace run` between the two; not yet ready where one of them is away. */
export function startBridge(
  t: Teardown,
  { kafka, mosquitto }: BridgeServers,
  options: BridgeOptions,
): Promise<RunningConnector> {
  const { clientIdPrefix, args, environment, connector, ...rest } = options;
  const prefix = clientIdPrefix === undefined ? {} : { clientIdPrefix };
  const resources = { mqttPort: mosquitto.port, bootstrap: kafka.bootstrap, ...rest };
  const written = { ...resources, connector: { ...prefix, ...connector } };
  return startConnector(t, written, args, environment);
}

/** Until Kafka has acknowledged `count` records of this route. */
export async function delivered(
  connector: RunningConnector,
  route: string,
  count: number,
): Promise<void> {
  let seen = 0;
  await until(
    `${count} records delivered by ${route}`,
    async () => {
      seen = await connector.metric('millrace_records_delivered_total', { route });
      return seen >= count;
    },
    { pollMs: 50, deadlineMs: 120_000, detail: () => ({ seen, log: connector.log() }) },
  );
}

/** A topic as text, for tests that compare payloads. */
export async function readValues(kafka: Kafka, topic: string): Promise<string[]> {
  return (await readTopic(kafka.bootstrap, topic)).map(({ value }) => `${value}`);
}

/** Header values as text, in order. */
export function headersOf(record: KafkaRecord | undefined): (readonly [string, string])[] {
  return (record?.headers ?? []).map(([name, value]) => [name, `${value}`] as const);
}
