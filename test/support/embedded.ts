import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LoadOptions, loadModel } from '../../src/config/load-model.js';
import { deadLetterFolder } from '../../src/dead-letter/folders.js';
import { type Broker, createBroker } from '../../src/demo/broker/broker.js';
import type { BrokerOptions } from '../../src/demo/broker/options.js';
import type { Bridge, Supervision } from '../../src/engine/bridge.js';
import { Engine } from '../../src/engine/engine.js';
import { addon, type MockCluster } from '../../src/kafka/addon.js';
import { GroupOffsets, type NewRecord, writeRecords } from './kafka-group.js';
import { readRecords } from './kafka-records.js';
import { metricOf } from './prometheus.js';
import type { KafkaRecord } from './real/kcat.js';
import { CLIENT_ID, CONNECTOR, type MapSpec, resourcesYaml } from './resources.js';
import { until } from './until.js';

/* The whole bridge in one process: the embedded MQTT broker, the engine with its real workers, and
 * librdkafka's mock cluster. Faults are a call away on both sides. */

export interface EmbeddedOptions {
  readonly maps: readonly MapSpec[];
  /** Kafka topics and how many partitions each has. */
  readonly topics: Readonly<Record<string, number>>;
  readonly kafkaBrokers?: number;
  readonly broker?: BrokerOptions;
  readonly connector?: Readonly<Record<string, unknown>>;
  readonly localBroker?: Readonly<Record<string, unknown>>;
  /** How its workers are watched; left out: as in production. */
  readonly supervision?: Supervision;
  /** Called before the engine starts. */
  readonly prepare?: (embedded: {
    readonly dataDir: string;
    readonly kafka: MockCluster;
    readonly mqttPort: number;
  }) => void;
  /** Where secrets are, as on the command line. */
  readonly mounts?: Pick<LoadOptions, 'secretsDir' | 'configMapsDir' | 'serviceAccountTokenFile'>;
}

/** A PUBACK as the broker got it. */
export interface SeenPuback {
  readonly clientId: string;
  readonly packetId: number;
  readonly reasonCode: number;
  /** Payload of the message that it is for; undefined where the broker sent none. */
  readonly payload: string | undefined;
  readonly atMs: number;
}

/** A PUBLISH of the connector's as the broker got it. */
export interface SeenPublish {
  readonly clientId: string;
  readonly topic: string;
  readonly payload: string;
  readonly qos: number;
  readonly retain: boolean;
}

interface Teardown {
  teardown(callback: () => Promise<void>): void;
}

/** Starts everything, and returns when the connector is ready; ends with the test. */
export async function startEmbedded(t: Teardown, options: EmbeddedOptions): Promise<Embedded> {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-test-'));
  const kafka = new addon.MockCluster(options.kafkaBrokers ?? 1);
  for (const [name, partitions] of Object.entries(options.topics)) {
    kafka.createTopic(name, partitions);
  }
  const broker = createBroker(options.broker);
  const { port } = await broker.listen();
  const embedded = new Embedded({ options, dataDir, kafka, broker, port });
  t.teardown(async () => {
    await embedded.stop();
    await broker.close();
    kafka.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  options.prepare?.({ dataDir, kafka, mqttPort: port });
  await embedded.start();
  await embedded.ready();
  return embedded;
}

export class Embedded {
  readonly dataDir: string;
  readonly kafka: MockCluster;
  readonly broker: Broker;
  readonly mqttPort: number;
  /** Every PUBACK, in order of arrival. */
  readonly pubacks: SeenPuback[] = [];
  /** Every PUBLISH that the connector sent, in order of arrival. */
  readonly published: SeenPublish[] = [];
  /** The reason code of the PUBACK for a PUBLISH; undefined leaves it to the broker. */
  answer: (publish: SeenPublish) => number | undefined = () => undefined;
  /** By topic filter, as the last SUBSCRIBE had it. */
  readonly subscriptionIds = new Map<string, number>();
  readonly #options: EmbeddedOptions;
  #engine: Engine | undefined;

  constructor(parts: {
    readonly options: EmbeddedOptions;
    readonly dataDir: string;
    readonly kafka: MockCluster;
    readonly broker: Broker;
    readonly port: number;
  }) {
    this.#options = parts.options;
    this.dataDir = parts.dataDir;
    this.kafka = parts.kafka;
    this.broker = parts.broker;
    this.mqttPort = parts.port;
    parts.broker.hooks.onPuback = (clientId, packetId, reasonCode, message) => {
      const payload = message?.payload.toString();
      this.pubacks.push({ clientId, packetId, reasonCode, payload, atMs: performance.now() });
    };
    parts.broker.hooks.onPublish = (clientId, { topic, payload, qos, retain }) => {
      const seen = { clientId, topic, payload: payload.toString(), qos, retain };
      if (clientId.startsWith(CONNECTOR)) this.published.push(seen);
      return this.answer(seen);
    };
    parts.broker.hooks.onSubscribe = (_, topicFilter, { subscriptionIdentifier }) => {
      this.subscriptionIds.set(topicFilter, subscriptionIdentifier ?? 0);
      return undefined;
    };
  }

  get engine(): Engine {
    if (this.#engine === undefined) throw new Error('the engine is not running');
    return this.#engine;
  }

  get bridge(): Bridge {
    return this.engine.bridges[0] as Bridge;
  }

  get deadLetters(): string {
    return deadLetterFolder(this.dataDir, `${CONNECTOR}-0`);
  }

  /** Also again, after `stop`: a restarted process, for all that the broker can tell. */
  async start(maps: readonly MapSpec[] = this.#options.maps): Promise<void> {
    const file = join(this.dataDir, 'resources.yaml');
    const { connector = {}, localBroker = {} } = this.#options;
    const bootstrap = this.kafka.bootstrapServers;
    await writeFile(
      file,
      resourcesYaml({ mqttPort: this.mqttPort, bootstrap, maps, connector, localBroker }),
    );
    this.#engine = await this.startInstance(0);
  }

  /** Starts an instance of the connector over the same broker and Kafka; the caller stops it. */
  async startInstance(instanceId: number): Promise<Engine> {
    const file = join(this.dataDir, 'resources.yaml');
    const { model, problems, secrets } = await loadModel([file], {
      ...this.#options.mounts,
      instanceId,
    });
    if (model === undefined) throw new Error(JSON.stringify(problems));
    const engine = new Engine({
      model,
      secrets,
      dataDir: this.dataDir,
      adminAddress: undefined,
      version: 'test',
      // The shortest waits between attempts.
      random: () => 0,
      ...(this.#options.supervision && { supervision: this.#options.supervision }),
    });
    await engine.start();
    return engine;
  }

  /** Drains; resolves with how many deliveries were left. */
  async stop(drainTimeoutMs = 0): Promise<number> {
    const engine = this.#engine;
    this.#engine = undefined;
    return engine === undefined ? 0 : await engine.stop(drainTimeoutMs);
  }

  ready(): Promise<void> {
    return until('the bridge is ready', () => this.engine.health().ready, {
      detail: () => this.engine.health().reasons,
    });
  }

  /** Until /readyz would name a reason of this part, such as `shard 0`. */
  async notReady(part: string): Promise<void> {
    await until(`${part} is not ready`, () => this.reasons().some((r) => r.part === part), {
      detail: () => this.reasons(),
    });
  }

  reasons(): readonly { readonly part: string; readonly message: string }[] {
    return this.engine.health().reasons;
  }

  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    return metricOf(await this.engine.metrics.text(), name, labels);
  }

  publish(topic: string, payload: string, more: { readonly expirySeconds?: number } = {}): void {
    this.broker.publish({ topic, payload, qos: 1, ...more });
  }

  /** Until the connector has opened this many deliveries and not settled them. */
  inFlight(count: number): Promise<void> {
    return until(`${count} deliveries in flight`, () => this.bridge.inFlight === count, {
      detail: () => ({ inFlight: this.bridge.inFlight, session: this.session() }),
    });
  }

  acknowledged(count: number): Promise<void> {
    return until(`${count} PUBACKs`, () => this.pubacks.length >= count, {
      detail: () => ({ pubacks: this.pubacks.length, session: this.session() }),
    });
  }

  session(clientId: string = CLIENT_ID): ReturnType<Broker['session']> {
    return this.broker.session(clientId);
  }

  /** Kafka's brokers go, and come back. */
  setKafkaUp(up: boolean): void {
    for (let id = 1; id <= (this.#options.kafkaBrokers ?? 1); id++) this.kafka.setBrokerUp(id, up);
  }

  /** Writes records to Kafka. */
  write(topic: string, records: readonly NewRecord[]): Promise<void> {
    return writeRecords(this.kafka.bootstrapServers, topic, records);
  }

  /** What the consumer group of a route has committed, by partition. */
  async committed(route: string, topic: string, partitions = 1): Promise<number[]> {
    const offsets = await GroupOffsets.open(this.kafka.bootstrapServers, route);
    try {
      return await offsets.of(topic, partitions);
    } finally {
      await offsets.close();
    }
  }

  /** Until a route's consumer group has committed these offsets. */
  async commits(route: string, topic: string, expected: readonly number[]): Promise<void> {
    const group = await GroupOffsets.open(this.kafka.bootstrapServers, route);
    let found: number[] = [];
    try {
      await until(
        `${expected} is committed`,
        async () => {
          found = await group.of(topic, expected.length);
          return found.join() === expected.join();
        },
        { pollMs: 50, detail: () => ({ found, published: this.published.length }) },
      );
    } finally {
      await group.close();
    }
  }

  /** Until the connector has sent this many PUBLISHes, repeated ones too. */
  sent(count: number): Promise<void> {
    return until(`${count} PUBLISHes`, () => this.published.length >= count, {
      detail: () => ({ published: this.published.length, reasons: this.reasons() }),
    });
  }

  /** The payloads of what the connector published, each once, in the order of the first. */
  payloads(): string[] {
    return [...new Set(this.published.map(({ payload }) => payload))];
  }

  records(topic: string): Promise<KafkaRecord[]> {
    return readRecords(this.kafka.bootstrapServers, topic);
  }

  async values(topic: string): Promise<string[]> {
    return (await this.records(topic)).map(({ value }) => `${value}`);
  }
}

export function numbers(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => `${i + from}`);
}
