import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { GO_REFERENCE } from '../../../native-bench/peers/go-reference.js';
import { TELEGRAF, telegrafToml } from '../../../native-bench/peers/telegraf.js';
import { BENCH_DEFAULTS } from '../../../src/bench/options.js';
import { roundNames } from '../../../src/bench/round-names.js';

const ENDPOINTS = {
  ...roundNames(BENCH_DEFAULTS),
  mqttEndpoint: '127.0.0.1:1884',
  bootstrapServers: '127.0.0.1:9092',
  kafkaTopic: 'written',
  feedTopic: 'read',
};

t.test('the Go reference is told what the load asks for', async (t) => {
  const options = { ...BENCH_DEFAULTS, acks: 'all', latencyMs: 5, copyProperties: true } as const;
  const command = await GO_REFERENCE.command(options, ENDPOINTS, '');
  for (const flag of ['mqtt=127.0.0.1:1884', 'kafka=127.0.0.1:9092', 'topic=written', 'acks=all'])
    t.ok(command.includes(`-${flag}`), flag);
  t.ok(command.includes('-linger=5ms') && command.includes('-copy-properties=true'));
  const feed = { ...BENCH_DEFAULTS, direction: 'kafka-to-mqtt' } as const;
  t.ok((await GO_REFERENCE.command(feed, ENDPOINTS, '')).includes('-topic=read'));
});

t.test('large payloads bound what the Go reference holds, and widen its batches', async (t) => {
  const options = { ...BENCH_DEFAULTS, payloadBytes: 2 * 2 ** 20 };
  const command = await GO_REFERENCE.command(options, ENDPOINTS, '');
  t.ok(command.includes('-receive-maximum=64'));
  t.ok(command.includes(`-batch-bytes=${2 * 2 ** 20 + 65_536}`));
});

t.test('Telegraf has its settings in a file', async (t) => {
  const folder = join(t.testdir(), 'round');
  await mkdir(folder);
  const options = { ...BENCH_DEFAULTS, compression: 'lz4', acks: 'zero' } as const;
  const [, file = ''] = await TELEGRAF.command(options, ENDPOINTS, folder);
  const text = await readFile(file, 'utf8');
  t.equal(text, telegrafToml(options, ENDPOINTS));
  for (const line of ['servers = ["tcp://127.0.0.1:1884"]', 'brokers = ["127.0.0.1:9092"]'])
    t.ok(text.includes(line), line);
  for (const line of ['topic = "written"', 'required_acks = 0', 'compression_codec = 3'])
    t.ok(text.includes(`  ${line}\n`), line);
});

t.test('a peer says what it cannot do', async (t) => {
  const { unable } = TELEGRAF;
  t.equal(unable(BENCH_DEFAULTS), undefined);
  t.match(unable({ ...BENCH_DEFAULTS, copyProperties: true }), /no properties/);
  t.match(unable({ ...BENCH_DEFAULTS, direction: 'kafka-to-mqtt' }), /from MQTT to Kafka only/);
  t.match(GO_REFERENCE.unable({ ...BENCH_DEFAULTS, direction: 'both' }), /one direction/);
});
