/* camel/: Kafka Connect, alone, with Camel's MQTT v5 component as its source. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchEndpoints } from '../../src/bench/connector-resources.js';
import { type BenchOptions, reads } from '../../src/bench/options.js';
import { buildFolder, type Peer, RECORD_ROOM_BYTES, runTool, sourceFolder } from './peer.js';

const NAME = 'camel';
const REQUEST_BYTES = 1_048_576;
const ACKS = { zero: '0', one: '1', all: 'all' } as const;

export const CAMEL: Peer = {
  name: 'Camel',
  caveats: [
    'acknowledges BEFORE Kafka has the message, so that it loses what is on its way when it ends; MQTT v5, ' +
      'without user properties as headers of their own; Kafka Connect 4.3.1 with camel-kafka-connector 0.11.0, ' +
      'the newest that Maven Central has',
  ],
  async build() {
    const pom = join(sourceFolder(NAME), 'pom.xml');
    const args = ['-q', '-B', '-f', pom, 'dependency:build-classpath', '-DincludeScope=runtime'];
    const hint = 'install Maven and Java 17 (Debian: maven, openjdk-17-jre-headless) for Camel';
    await runTool('mvn', [...args, `-Dmdep.outputFile=${await classPathFile()}`], hint);
  },
  unable(options) {
    if (reads(options)) return 'from MQTT to Kafka only, here';
    return options.copyProperties ? 'does not copy user properties' : undefined;
  },
  async command(options, endpoints, folder) {
    const worker = join(folder, 'worker.properties');
    const connector = join(folder, 'connector.properties');
    await writeFile(worker, textOf(workerOf(options, endpoints, folder)));
    await writeFile(connector, textOf(connectorOf(options, endpoints)));
    const classPath = (await readFile(await classPathFile(), 'utf8')).trim();
    const main = 'org.apache.kafka.connect.cli.ConnectStandalone';
    const classes = `${join(sourceFolder(NAME), 'plugins')}:${classPath}`;
    return ['java', '-Xmx2g', '-cp', classes, main, worker, connector];
  },
};

async function classPathFile(): Promise<string> {
  return join(await buildFolder(NAME), 'class-path');
}

function textOf(properties: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

function workerOf(options: BenchOptions, { bootstrapServers }: BenchEndpoints, folder: string) {
  const { acks, compression, latencyMs, payloadBytes } = options;
  return {
    'bootstrap.servers': bootstrapServers,
    'key.converter': 'org.apache.kafka.connect.storage.StringConverter',
    'value.converter': 'org.apache.kafka.connect.converters.ByteArrayConverter',
    'offset.storage.file.filename': join(folder, 'offsets'),
    // The connector is declared in plugins/: Kafka Connect would look through every class for it.
    'plugin.discovery': 'service_load',
    listeners: 'http://127.0.0.1:0',
    'producer.acks': ACKS[acks],
    'producer.enable.idempotence': acks === 'all',
    'producer.compression.type': compression,
    'producer.linger.ms': latencyMs ?? 0,
    'producer.max.request.size': Math.max(REQUEST_BYTES, payloadBytes + RECORD_ROOM_BYTES),
  };
}

function connectorOf(options: BenchOptions, { mqttEndpoint, kafkaTopic }: BenchEndpoints) {
  const { qos, receiveMaximum } = options;
  const broker = `brokerUrl=tcp://${mqttEndpoint}&clientId=camel&qos=${qos}`;
  const session = `receiveMaximum=${receiveMaximum}&cleanStart=false`;
  return {
    name: NAME,
    'connector.class': 'org.apache.camel.kafkaconnector.CamelSourceConnector',
    'tasks.max': 1,
    topics: kafkaTopic,
    'camel.source.url': `paho-mqtt5:bench/#?${broker}&${session}`,
    // The key.
    'camel.source.camelMessageHeaderKey': 'CamelMqttTopic',
    'camel.source.maxBatchPollSize': receiveMaximum,
  };
}
