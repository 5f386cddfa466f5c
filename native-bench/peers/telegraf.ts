/* telegraf/: Telegraf's agent with mqtt_consumer and kafka, tuned for this work. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BenchEndpoints } from '../../src/bench/connector-resources.js';
import { type BenchOptions, reads } from '../../src/bench/options.js';
import { buildFolder, type Peer, RECORD_ROOM_BYTES, runTool, sourceFolder } from './peer.js';

const NAME = 'telegraf';
/** Of Telegraf: what one write to Kafka carries. */
const BATCH_MESSAGES = 1000;
/** The default of 10 s is for metrics. */
const FLUSH_MS = 10;
const MESSAGE_BYTES = 1_000_000;
const ACKS = { zero: 0, one: 1, all: -1 } as const;
const CODECS = { none: 0, gzip: 1, snappy: 2, lz4: 3 } as const;

export const TELEGRAF: Peer = {
  name: 'Telegraf',
  caveats: [
    'acknowledges when Kafka has the message; MQTT 3.1.1 only, so no properties; safe against loss only with ' +
      'persistent_session, which is not its default and is set here; keeps every byte of a payload only as ' +
      'base64 inside',
  ],
  async build() {
    const hint = 'install Go 1.26 or newer (Debian: golang-go) for Telegraf';
    await runTool('go', ['build', '-C', sourceFolder(NAME), '-o', await binaryFile(), '.'], hint);
  },
  unable(options) {
    if (reads(options)) return 'from MQTT to Kafka only';
    return options.copyProperties ? 'MQTT 3.1.1 has no properties' : undefined;
  },
  async command(options, endpoints, folder) {
    const file = join(folder, 'telegraf.toml');
    await writeFile(file, telegrafToml(options, endpoints));
    return [await binaryFile(), file];
  },
};

async function binaryFile(): Promise<string> {
  return join(await buildFolder(NAME), NAME);
}

/** Telegraf's configuration file. */
export function telegrafToml(options: BenchOptions, endpoints: BenchEndpoints): string {
  const { acks, compression, latencyMs, payloadBytes, qos, receiveMaximum } = options;
  const brokers = endpoints.bootstrapServers.split(',').map((server) => JSON.stringify(server));
  return `[agent]
  omit_hostname = true
  flush_interval = "${latencyMs || FLUSH_MS}ms"
  metric_batch_size = ${BATCH_MESSAGES}
  metric_buffer_limit = ${10 * Math.max(BATCH_MESSAGES, receiveMaximum)}

[[inputs.mqtt_consumer]]
  servers = ["tcp://${endpoints.mqttEndpoint}"]
  topics = ["bench/#"]
  qos = ${qos}
  client_id = "telegraf"
  persistent_session = true
  max_undelivered_messages = ${receiveMaximum}
  data_format = "value"
  data_type = "base64"

[[outputs.kafka]]
  brokers = [${brokers.join(', ')}]
  topic = "${endpoints.kafkaTopic}"
  routing_tag = "topic"
  required_acks = ${ACKS[acks]}
  idempotent_writes = ${acks === 'all'}
  compression_codec = ${CODECS[compression]}
  max_message_bytes = ${Math.max(MESSAGE_BYTES, payloadBytes + RECORD_ROOM_BYTES)}
  data_format = "template"
  template = '{{ .Field "value" | b64dec }}'
`;
}
