/* Builds and connects everything that the demo runs, and says how it ends. */
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { assert } from '../base/assert.js';
import type { Clock } from '../base/clock.js';
import { OperatingError } from '../base/errors.js';
import { loadModel } from '../config/load-model.js';
import type { Model } from '../config/model.js';
import { Engine } from '../engine/engine.js';
import { type Broker, createBroker } from './broker/broker.js';
import type { Closers } from './closers.js';
import { type EmbeddedKafka, startEmbeddedKafka, type TopicPartition } from './embedded-kafka.js';
import { Progress } from './progress.js';
import { Reader } from './reader.js';
import { type ReadRecord, Reconciliation } from './reconcile.js';
import { demoYaml } from './resources.js';

const SUBSCRIBE_TIMEOUT_MS = 30_000;
const DRAIN_TIMEOUT_MS = 10_000;
const ADMIN_ADDRESS = '127.0.0.1:0';

export interface PartsOptions {
  readonly version: string;
  readonly clock: Clock;
  /** What the reconciliation is told of a record; undefined hides it. */
  readonly tamper: (record: ReadRecord) => ReadRecord | undefined;
}

export interface Parts {
  readonly yaml: string;
  readonly mqttPort: number;
  readonly broker: Broker;
  readonly kafka: EmbeddedKafka;
  readonly partitions: readonly TopicPartition[];
  readonly adminAddress: string;
  /** Drains and stops Millrace, once. */
  readonly stopEngine: () => Promise<unknown>;
  readonly reader: Reader;
  readonly reconciliation: Reconciliation;
  readonly progress: Progress;
}

interface DemoRoute {
  readonly route: string;
  readonly kafkaTopic: string;
}

/** Starts everything but the devices; resolves when Millrace has subscribed. */
export async function startParts(options: PartsOptions, closers: Closers): Promise<Parts> {
  const { clock, version } = options;
  const dataDir = await temporaryFolder();
  const kafka = await startEmbeddedKafka();
  closers.add(() => kafka.close());
  const broker = createBroker();
  closers.add(() => broker.close());
  const { port: mqttPort } = await broker.listen();

  const yaml = demoYaml({ mqtt: `127.0.0.1:${mqttPort}`, kafka: kafka.bootstrapServers });
  const model = await modelOf(yaml);
  const routes = routesOf(model);
  const partitions = await kafka.createTopics(routes.map(({ kafkaTopic }) => kafkaTopic));

  const engine = new Engine({ model, dataDir, adminAddress: ADMIN_ADDRESS, version, clock });
  const reconciliation = new Reconciliation(routes);
  const progress = new Progress({
    reconciliation,
    delivered: () => recordsDelivered(engine, model),
    inFlight: () => engine.bridges.reduce((sum, bridge) => sum + bridge.inFlight, 0),
    nowMs: () => clock.monotonicMs(),
  });
  const reader = new Reader({
    bootstrapServers: kafka.bootstrapServers,
    partitions,
    clock,
    onRecord: (read) => {
      const record = options.tamper(read);
      if (record === undefined) return;
      reconciliation.onRecord(record);
      progress.onRecord(record);
    },
  });
  closers.add(() => reader.close());
  await reader.start();
  watchPubacks(broker, { reconciliation, progress, clock });

  const subscribed = subscriptions(broker, routes.length, clock);
  let stopping: Promise<unknown> | undefined;
  const stopEngine = () => {
    stopping ??= engine.stop(DRAIN_TIMEOUT_MS);
    return stopping;
  };
  closers.add(stopEngine);
  await engine.start();
  await subscribed;
  const adminAddress = engine.adminAddress ?? '';
  const connected = { yaml, mqttPort, adminAddress, broker, kafka, partitions };
  return { ...connected, stopEngine, reader, reconciliation, progress };
}

/** A folder that is gone when the process is, also where it ends early. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-demo-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The model, by the way that a user's file takes. */
async function modelOf(yaml: string): Promise<Model> {
  const { model, problems } = await loadModel(['-'], {
    instanceId: 0,
    stdin: Readable.from([yaml]),
  });
  assert(model !== undefined, `the demo's own resources: ${problems[0]?.message}`);
  return model;
}

function routesOf(model: Model): DemoRoute[] {
  return model.connectors
    .flatMap(({ topicMaps }) => topicMaps.flatMap(({ routes }) => routes))
    .map(({ name, kafkaTopic }) => ({ route: name, kafkaTopic }));
}

function recordsDelivered(engine: Engine, model: Model): number {
  // Asking for a connector's counters makes them, and the engine is to do that, with its log.
  if (engine.bridges.length === 0) return 0;
  let delivered = 0;
  for (const { name } of model.connectors) {
    const { counters } = engine.metrics.connector(name);
    for (const route of counters.routes.values()) delivered += route.recordsDelivered;
  }
  return delivered;
}

interface Watchers {
  readonly reconciliation: Reconciliation;
  readonly progress: Progress;
  readonly clock: Clock;
}

function watchPubacks(broker: Broker, { reconciliation, progress, clock }: Watchers): void {
  broker.hooks.onPuback = (_clientId, _packetId, reasonCode, message) => {
    if (message === undefined) return;
    const nowMs = clock.monotonicMs();
    const latencyMs = reconciliation.onPuback(message.payload, reasonCode, nowMs);
    if (latencyMs !== undefined) progress.onAcknowledged(latencyMs);
  };
}

/** Resolves when `count` topic filters were subscribed to. */
function subscriptions(broker: Broker, count: number, clock: Clock): Promise<void> {
  const filters = new Set<string>();
  const subscribed = new Promise<void>((resolve, reject) => {
    const cancel = clock.after(SUBSCRIBE_TIMEOUT_MS, () =>
      reject(new OperatingError('ERR_DEMO_SUBSCRIBE', 'Millrace did not subscribe in time')),
    );
    broker.hooks.onSubscribe = (_clientId, topicFilter) => {
      filters.add(topicFilter);
      if (filters.size === count) {
        cancel();
        // The broker's own stack is left before it is in force.
        setImmediate(resolve);
      }
      return undefined;
    };
  });
  // It is awaited only after the engine has started; a failure before that is told there.
  subscribed.catch(() => {});
  return subscribed;
}
