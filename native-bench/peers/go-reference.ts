/* go-reference/: paho.golang with a buffered socket, and franz-go. */
import { join } from 'node:path';
import type { BenchEndpoints } from '../../src/bench/connector-resources.js';
import { type BenchOptions, reads } from '../../src/bench/options.js';
import { buildFolder, type Peer, RECORD_ROOM_BYTES, runTool, sourceFolder } from './peer.js';

const NAME = 'go-reference';
/** franz-go's own default. */
const BATCH_BYTES = 1_000_012;
/** paho.golang holds every PUBLISH that came: without a bound of its own it would hold gigabytes. */
const HELD_BYTES_MAX = 128 * 2 ** 20;

/** In saturation a moment's wait makes fewer, larger requests, which is faster by far. */
const LINGER_IN_SATURATION_MS = 1;

const BUILT = {
  async build() {
    const binary = await binaryFile();
    const hint = 'install Go 1.26 or newer (Debian: golang-go) for the Go reference';
    await runTool('go', ['build', '-C', sourceFolder(NAME), '-o', binary, '.'], hint);
  },
  unable: ({ direction }: BenchOptions) =>
    direction === 'both' ? 'one direction at a time' : undefined,
};

/** With a queue of its own for the order of the PUBACKs, which halves the CPU time. */
export const GO_REFERENCE: Peer = {
  ...BUILT,
  name: 'Go reference',
  caveats: [
    'acknowledges when Kafka has the message; MQTT v5; 350 lines for the bench, so without TLS, ' +
      'routes, reconnection, dead letters and metrics, which cost the others something',
  ],
  command: async (options, endpoints) => [await binaryFile(), ...flagsOf(options, endpoints)],
};

/** The same with the acknowledgement that paho.golang offers for this. */
export const GO_REFERENCE_PAHO_ACKS: Peer = {
  ...BUILT,
  name: "Go, paho's acks",
  caveats: ['as the Go reference, but paho.golang keeps the order of the PUBACKs'],
  unable: (options) =>
    reads(options) ? 'the same as the Go reference from Kafka to MQTT' : undefined,
  command: async (options, endpoints) => [
    await binaryFile(),
    ...flagsOf(options, endpoints),
    '-manual-acks',
  ],
};

async function binaryFile(): Promise<string> {
  return join(await buildFolder(NAME), NAME);
}

function flagsOf(options: BenchOptions, endpoints: BenchEndpoints): string[] {
  const { acks, payloadBytes, compression, copyProperties, direction, qos } = options;
  const held = Math.max(1, Math.floor(HELD_BYTES_MAX / Math.max(1, payloadBytes)));
  const flags = {
    mqtt: endpoints.mqttEndpoint,
    kafka: endpoints.bootstrapServers,
    direction,
    topic: reads(options) ? endpoints.feedTopic : endpoints.kafkaTopic,
    group: endpoints.feedTopic,
    qos,
    acks,
    compression,
    linger: `${options.latencyMs ?? (options.rate === undefined ? LINGER_IN_SATURATION_MS : 0)}ms`,
    'receive-maximum': Math.min(options.receiveMaximum, held),
    'batch-bytes': Math.max(BATCH_BYTES, payloadBytes + RECORD_ROOM_BYTES),
    'copy-properties': copyProperties,
  };
  return Object.entries(flags).map(([name, value]) => `-${name}=${value}`);
}
