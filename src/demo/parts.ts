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
import type { Connector, Model, MqttToKafkaRoute } from '../config/model.js';
import { Engine } from '../engine/engine.js';
import { type Broker, createBroker } from './broker/broker.js';
import type { Closers } from './closers.js';
import { Commands } from './commands.js';
import { startEmbeddedKafka } from './embedded-kafka.js';
import { KafkaWriter } from './kafka-writer.js';
import { startMachines } from './machines.js';
import type { CommandWriter } from './operator.js';
import { Plants } from './plants.js';
import { Progress } from './progress.js';
import { Reader } from './reader.js';
import { type ReadRecord, Reconciliation } from './reconcile.js';
import { ANSWERS_ROUTE, COMMANDS_TOPIC, demoYaml } from './resources.js';

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
  readonly bootstrapServers: string;
  readonly broker: Broker;
  readonly adminAddress: string;
  /** Drains and stops Millrace, once. */
  readonly stopEngine: () => Promise<unknown>;
  readonly plants: Plants;
  readonly writer: CommandWriter;
  readonly reader: Reader;
  readonly reconciliation: Reconciliation;
  readonly commands: Commands;
  readonly progress: Progress;
}

/** Starts everything but what the devices and the operator say; resolves when Millrace has subscribed. */
export async function startParts(options: PartsOptions, closers: Closers): Promise<Parts> {
  const { clock, version } = options;
  const dataDir = await temporaryFolder();
  const kafka = startEmbeddedKafka();
  closers.add(() => kafka.close());
  const { bootstrapServers } = kafka;
  const broker = createBroker();
  closers.add(() => broker.close());
  const { port: mqttPort } = await broker.listen();

  const yaml = demoYaml({ mqtt: `127.0.0.1:${mqttPort}`, kafka: bootstrapServers });
  const { model, secrets } = await loadOwn(yaml);
  const routes = routesToKafka(model);
  kafka.createTopic(COMMANDS_TOPIC);
  const partitions = routes.flatMap(({ kafkaTopic }) => kafka.createTopic(kafkaTopic));

  const engine = new Engine({
    model,
    secrets,
    dataDir,
    adminAddress: ADMIN_ADDRESS,
    version,
    clock,
  });
  const tallied = routes.map(({ name, kafkaTopic }) => ({ route: name, kafkaTopic }));
  const reconciliation = new Reconciliation(tallied);
  const commands = new Commands(clock.monotonicMs());
  const progress = new Progress({
    reconciliation,
    commands,
    delivered: () => recordsDelivered(engine, model),
    inFlight: () => engine.inFlight,
    nowMs: () => clock.monotonicMs(),
  });
  const watchers = { reconciliation, commands, progress, clock };
  const onRecord = recordWatcher(watchers, options.tamper);
  const reader = new Reader({ bootstrapServers, partitions, clock, onRecord });
  closers.add(() => reader.close());
  const writer = new KafkaWriter(bootstrapServers, COMMANDS_TOPIC);
  closers.add(() => writer.close());
  await Promise.all([reader.start(), writer.connect()]);
  watchPubacks(broker, clientIdStart(model), watchers);

  const plants = new Plants(Math.random);
  const said = { plants, commands, reconciliation };
  await startMachines({ ...said, mqttPort, route: ANSWERS_ROUTE, clock }, closers);
  const subscribed = subscriptions(broker, clientIdStart(model), routes.length, clock);
  const stopEngine = onlyOnce(() => engine.stop(DRAIN_TIMEOUT_MS));
  closers.add(stopEngine);
  await engine.start();
  await subscribed;
  const adminAddress = engine.adminAddress ?? '';
  const connected = { yaml, mqttPort, bootstrapServers, adminAddress, broker };
  return { ...connected, ...said, stopEngine, writer, reader, progress };
}

function onlyOnce(act: () => Promise<unknown>): () => Promise<unknown> {
  let acting: Promise<unknown> | undefined;
  return () => {
    acting ??= act();
    return acting;
  };
}

/** A folder that is gone when the process is, also where it ends early. */
async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-demo-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The model, by the way that a user's file takes. */
async function loadOwn(yaml: string) {
  const { model, problems, secrets } = await loadModel(['-'], {
    instanceId: 0,
    stdin: Readable.from([yaml]),
  });
  assert(model !== undefined, `the demo's own resources: ${problems[0]?.message}`);
  return { model, secrets };
}

function routesToKafka(model: Model): MqttToKafkaRoute[] {
  const routes = model.connectors.flatMap(({ topicMaps }) => topicMaps.flatMap((m) => m.routes));
  return routes.filter((route) => route.kind === 'mqttToKafka');
}

/** What Millrace's client ids begin with, and those of the machines and of visitors do not. */
function clientIdStart(model: Model): string {
  const { clientIdPrefix, name } = model.connectors[0] as Connector;
  return `${clientIdPrefix}-${name}-`;
}

function recordsDelivered(engine: Engine, model: Model): number {
  // Asking for a connector's counters makes them, and the engine is to do that, with its log.
  if (engine.bridges.length === 0) return 0;
  let delivered = 0;
  for (const { name } of model.connectors) {
    const { counters } = engine.metrics.connector(name);
    for (const route of counters.routes.values()) delivered += route.traffic.recordsDelivered;
  }
  return delivered;
}

interface Watchers {
  readonly reconciliation: Reconciliation;
  readonly commands: Commands;
  readonly progress: Progress;
  readonly clock: Clock;
}

function recordWatcher(
  { reconciliation, commands, progress, clock }: Watchers,
  tamper: PartsOptions['tamper'],
): (read: ReadRecord) => void {
  return (read) => {
    const record = tamper(read);
    if (record === undefined) return;
    if (reconciliation.onRecord(record))
      commands.onAnswerRead(record.correlationData, clock.monotonicMs());
    progress.onRecord(record);
  };
}

function watchPubacks(
  broker: Broker,
  clientIdStart: string,
  { reconciliation, progress, clock }: Watchers,
): void {
  broker.hooks.onPuback = (clientId, _packetId, reasonCode, message) => {
    if (message === undefined || !clientId.startsWith(clientIdStart)) return;
    const nowMs = clock.monotonicMs();
    const latencyMs = reconciliation.onPuback(message.payload, reasonCode, nowMs);
    if (latencyMs !== undefined) progress.onAcknowledged(latencyMs);
  };
}

/** Resolves when Millrace has subscribed to `count` topic filters. */
function subscriptions(
  broker: Broker,
  clientIdStart: string,
  count: number,
  clock: Clock,
): Promise<void> {
  const filters = new Set<string>();
  const subscribed = new Promise<void>((resolve, reject) => {
    const cancel = clock.after(SUBSCRIBE_TIMEOUT_MS, () =>
      reject(new OperatingError('ERR_DEMO_SUBSCRIBE', 'Millrace did not subscribe in time')),
    );
    broker.hooks.onSubscribe = (clientId, topicFilter) => {
      if (clientId.startsWith(clientIdStart)) filters.add(topicFilter);
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
