import { createHash } from 'node:crypto';
import t from 'tap';
import { nodeDisk } from '../../src/dead-letter/disk.js';
import {
  findLetters,
  type OpenLetter,
  openLetter,
  readWholePayload,
} from '../../src/dead-letter/reader.js';
import { type Embedded, startEmbedded } from '../support/embedded.js';
import { until } from '../support/until.js';

const DEAD_LETTERED = 0x83;
const MAPS = [
  {
    routes: [{ name: 'all', mqttTopic: 'in/#', kafkaTopic: 'out' }],
  },
];

function pattern(bytes: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => (i * 31 + (i >> 8)) & 0xff));
}

for (const [limit, size] of [
  [2048, 5000],
  [1_500_000, 6_000_000],
] as const) {
  t.test(`a payload of ${size} bytes over maxPayloadBytes ${limit} is a dead letter`, async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { out: 1 },
      maps: MAPS,
      connector: { maxPayloadBytes: limit, oversize: 'deadLetter' },
    });
    const payload = pattern(size);
    bridge.publish('in/1', 'before');
    bridge.broker.publish({ topic: 'in/2', payload, qos: 1 });
    bridge.publish('in/1', 'after');
    await bridge.acknowledged(3);
    t.same(
      bridge.pubacks.map(({ reasonCode }) => reasonCode),
      [0, DEAD_LETTERED, 0],
      'refused, and in its turn',
    );
    t.same(await bridge.values('out'), ['before', 'after']);
    const [letter, ...others] = await letters(bridge);
    t.same(others, []);
    t.match(letter?.meta, { route: 'all', reason: { code: 'oversize' }, mqtt: { topic: 'in/2' } });
    t.equal(await sha256Of(letter), sha256(payload), 'every byte of it');
    const counted = { route: 'all', reason: 'oversize' };
    t.equal(await bridge.metric('millrace_messages_dead_lettered_total', counted), 1);
  });
}

t.test(
  'a connection lost within an oversize payload leaves no letter, and the next has it',
  async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { out: 1 },
      maps: MAPS,
      connector: { maxPayloadBytes: 1_500_000, oversize: 'deadLetter' },
    });
    const payload = pattern(20_000_000);
    bridge.broker.publish({ topic: 'in/2', payload, qos: 1 });
    await bridge.inFlight(1);
    bridge.broker.dropConnections();
    await bridge.acknowledged(1);
    const [letter, ...others] = await letters(bridge);
    t.same(others, [], 'one letter');
    t.equal(await sha256Of(letter), sha256(payload));
  },
);

for (const qos of [0, 1] as const) {
  t.test(`too many properties at QoS ${qos} are a dead letter, and in nobody's way`, async (t) => {
    const maps = [{ routes: [{ name: 'all', mqttTopic: 'in/#', kafkaTopic: 'out', qos }] }];
    const bridge = await startEmbedded(t, { topics: { out: 1 }, maps });
    const sizes = [6, 18, 22, 40];
    for (const count of sizes) {
      const userProperties = Array.from(
        { length: count },
        () => ['k', 'v'.repeat(50_000)] as const,
      );
      bridge.broker.publish({ topic: `in/${count}`, payload: 'x', qos, userProperties });
      bridge.publish('in/after', `${count}`);
    }
    await until('all is there', async () => {
      return (await bridge.metric('millrace_records_delivered_total')) === sizes.length;
    });
    t.same(await bridge.values('out'), sizes.map(String));
    const counted = { reason: 'propertiesTooLarge' };
    await until('all are kept', async () => {
      return (await bridge.metric('millrace_messages_dead_lettered_total', counted)) === 4;
    });
    const found = await letters(bridge);
    t.same(
      found.map(({ meta }) => meta.mqtt?.topic),
      sizes.map((count) => `in/${count}`),
    );
    for (const letter of found) await letter.close();
    t.equal(bridge.broker.counters.connections, 1);
    await until('all is answered', () => bridge.pubacks.length === (qos === 0 ? 0 : 8));
    const codes = bridge.pubacks.map(({ reasonCode }) => reasonCode);
    t.same(codes, qos === 0 ? [] : sizes.flatMap(() => [DEAD_LETTERED, 0]));
  });
}

async function letters(bridge: Embedded): Promise<OpenLetter[]> {
  const found = await findLetters(nodeDisk, bridge.dataDir);
  return Promise.all(found.map((ref) => openLetter(nodeDisk, ref)));
}

async function sha256Of(letter: OpenLetter | undefined): Promise<string> {
  if (letter === undefined) return 'no letter';
  const payload = await readWholePayload(letter);
  await letter.close();
  return sha256(payload);
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
