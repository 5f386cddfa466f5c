import { join } from 'node:path';
import { type IPublishPacket, parser } from 'mqtt-packet';
import t from 'tap';
import { openLetterPublisher } from '../../src/cli/letter-publisher.js';
import { loadModel } from '../../src/config/load-model.js';
import type { Connector } from '../../src/config/model.js';
import { nodeDisk } from '../../src/dead-letter/disk.js';
import { findLetters, openLetter } from '../../src/dead-letter/reader.js';
import { replayLetters } from '../../src/dead-letter/replay.js';
import { type Embedded, numbers, startEmbedded } from '../support/embedded.js';
import { CLIENT_ID, CONNECTOR } from '../support/resources.js';
import { until } from '../support/until.js';

const NO_MATCHING_SUBSCRIBERS = 0x10;
const NOT_AUTHORIZED = 0x87;
const QUOTA_EXCEEDED = 0x97;
/** They last longer than a consumer takes to fetch. */
const LOUD = 60_000;

const down = {
  direction: 'kafkaToMqtt' as const,
  name: 'down',
  kafkaTopic: 'commands',
  mqttTopic: `devices/\${key}`,
  qos: 1,
  commitIntervalMs: 100,
};

function options(changes: Readonly<Record<string, unknown>> = {}) {
  return { topics: { commands: 1 }, maps: [{ routes: [{ ...down, ...changes }] }] };
}

async function letters(bridge: Embedded): Promise<{ code: string; message: string }[]> {
  const found: { code: string; message: string }[] = [];
  for (const ref of await findLetters(nodeDisk, bridge.dataDir)) {
    const letter = await openLetter(nodeDisk, ref);
    found.push(letter.meta.reason);
    await letter.close();
  }
  return found;
}

t.test('both directions go on at once over one session', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { commands: 2, out: 2 },
    maps: [{ routes: [down, { name: 'up', mqttTopic: 'plant/#', kafkaTopic: 'out' }] }],
  });
  const values = numbers(500);
  const written = bridge.write(
    'commands',
    values.map((value) => ({ value, key: 'k', partition: Number(value) % 2 })),
  );
  for (const value of values) bridge.publish('plant/1', value);
  await written;
  await bridge.acknowledged(500);
  await bridge.commits('down', 'commands', [250, 250]);
  t.same(bridge.payloads().sort(), [...values].sort());
  t.equal(bridge.published.length, 500);
  t.same((await bridge.values('out')).sort(), [...values].sort());
  await bridge.inFlight(0);
});

t.test('onNoSubscriber: hold keeps a command until somebody is there', async (t) => {
  const bridge = await startEmbedded(t, options({ onNoSubscriber: 'hold' }));
  let someone = false;
  bridge.answer = ({ topic }) =>
    topic === 'devices/away' && !someone ? NO_MATCHING_SUBSCRIBERS : 0;
  await bridge.write('commands', [{ key: 'away', value: '1' }]);
  await until('it is tried again', () => bridge.published.length >= 2);
  await bridge.write('commands', [
    { key: 'here', value: '2' },
    { key: 'away', value: '3' },
  ]);
  await until('both are held', async () => (await bridge.metric('millrace_records_held')) === 2);
  t.same(bridge.payloads(), ['1', '2'], 'the other device has its command');
  t.same(await bridge.committed('down', 'commands'), [0]);
  someone = true;
  await bridge.commits('down', 'commands', [3]);
  t.same(bridge.payloads(), ['1', '2', '3']);
  t.equal(await bridge.metric('millrace_records_held'), 0);
});

t.test('Quota exceeded is held and tried again', async (t) => {
  const bridge = await startEmbedded(t, options());
  let refusals = 2;
  bridge.answer = () => (refusals-- > 0 ? QUOTA_EXCEEDED : 0);
  await bridge.write('commands', [{ key: 'a', value: '1' }]);
  await bridge.commits('down', 'commands', [1]);
  t.equal(bridge.published.length, 3);
  t.same(await letters(bridge), []);
});

t.test('what can never be published is a dead letter, and the rest goes on', async (t) => {
  const bridge = await startEmbedded(t, {
    ...options(),
    broker: { maximumPacketSize: 20_000 },
  });
  bridge.answer = ({ topic }) => (topic === 'devices/forbidden' ? NOT_AUTHORIZED : undefined);
  await bridge.write('commands', [
    { key: 'forbidden', value: '1' },
    { key: 'a/#', value: '2' },
    { key: 'b', value: 'x'.repeat(30_000) },
    { value: 'without a key' },
    { key: 'c', value: '3' },
  ]);
  await bridge.commits('down', 'commands', [5]);
  t.same(bridge.payloads().slice(0, 2), ['1', '3']);
  const found = await letters(bridge);
  t.same(found.map(({ code }) => code).sort(), [
    'mqttTopicInvalid',
    'mqttTopicInvalid',
    'publishRefused',
    'publishTooLarge',
  ]);
  t.match(
    found.find(({ code }) => code === 'publishRefused')?.message,
    /commands\[0\] at offset 0/,
  );
  t.equal(bridge.session()?.connected, true);
  t.equal(await bridge.metric('millrace_mqtt_connects_total'), 1, 'no connection was lost for it');
});

t.test('a record that has expired is passed over, and counted', async (t) => {
  const bridge = await startEmbedded(t, {
    ...options(),
    maps: [{ copyMqttProperties: true, routes: [down] }],
  });
  const allow = bridge.broker.refuseConnections(0x88);
  bridge.broker.dropConnections(CLIENT_ID);
  await bridge.notReady(`session ${CLIENT_ID}`);
  const millrace = 'v=1;properties=Message Expiry Interval;path=';
  const headers = { Millrace: millrace, 'Message Expiry Interval': '1' };
  const expiring = numbers(600).map((value) => ({ key: 'a', value, headers }));
  await bridge.write('commands', [...expiring, { key: 'a', value: 'last' }]);
  const writtenMs = performance.now();
  await until('their time is over', () => performance.now() - writtenMs > 1_500);
  allow();
  await bridge.commits('down', 'commands', [601]);
  t.same(bridge.payloads(), ['last']);
  t.equal(await bridge.metric('millrace_messages_expired_total'), 600);
});

t.test('a circle stops after one round, and is counted', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { ring: 1 },
    maps: [
      {
        copyMqttProperties: true,
        routes: [
          { name: 'up', mqttTopic: 'circle', kafkaTopic: 'ring' },
          { ...down, name: 'down', kafkaTopic: 'ring', mqttTopic: 'circle', allowLoop: true },
        ],
      },
    ],
  });
  for (const value of numbers(20)) bridge.publish('circle', value);
  await until('all are stopped', async () => {
    return (await bridge.metric('millrace_messages_loop_stopped_total')) === 20;
  });
  await bridge.commits('down', 'ring', [20]);
  await bridge.inFlight(0);
  t.equal((await bridge.records('ring')).length, 20);
  t.equal(bridge.published.length, 20);
});

t.test('RETAIN goes along, unless the route says never', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { commands: 1, others: 1 },
    maps: [
      {
        copyMqttProperties: true,
        routes: [
          down,
          { ...down, name: 'never', kafkaTopic: 'others', mqttTopic: 'never', retain: 'never' },
        ],
      },
    ],
  });
  const headers = { Millrace: 'v=1;properties=Retain;path=', Retain: '1' };
  await bridge.write('commands', [{ key: 'a', value: 'kept', headers }]);
  await bridge.write('others', [{ key: 'a', value: 'not', headers }]);
  await bridge.sent(2);
  t.same(bridge.published.map(({ payload, retain }) => [payload, retain]).sort(), [
    ['kept', true],
    ['not', false],
  ]);
});

t.test('routes that share a session share it fairly', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { loud: 1, quiet: 1 },
    broker: { receiveMaximum: 50 },
    maps: [
      {
        routes: [
          { ...down, name: 'loud', kafkaTopic: 'loud', mqttTopic: 'loud' },
          { ...down, name: 'quiet', kafkaTopic: 'quiet', mqttTopic: 'quiet' },
        ],
      },
    ],
  });
  let release = bridge.broker.holdPubacks(CLIENT_ID);
  await bridge.write(
    'loud',
    numbers(LOUD).map((value) => ({ value })),
  );
  await bridge.sent(50);
  await bridge.write(
    'quiet',
    numbers(50).map((value) => ({ value })),
  );
  // One window after the other, so that the loud route has much left when the quiet one begins.
  while (!bridge.published.some(({ topic }) => topic === 'quiet')) {
    const sent = bridge.published.length;
    release();
    release = bridge.broker.holdPubacks(CLIENT_ID);
    await bridge.sent(sent + 50);
  }
  release();
  await bridge.commits('quiet', 'quiet', [50]);
  const lastQuiet = bridge.published.findLastIndex(({ topic }) => topic === 'quiet');
  t.ok(lastQuiet < LOUD, `the last of the quiet route is number ${lastQuiet}`);
  await bridge.commits('loud', 'loud', [LOUD]);
});

t.test('a route with a session of its own is not stalled by another', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { held: 1, fine: 1 },
    broker: { receiveMaximum: 20 },
    maps: [
      {
        routes: [
          { ...down, name: 'held', kafkaTopic: 'held' },
          { ...down, name: 'own', kafkaTopic: 'fine', ownSession: true },
        ],
      },
    ],
  });
  const release = bridge.broker.holdPubacks(CLIENT_ID);
  const records = numbers(500).map((value) => ({ key: 'k', value }));
  await bridge.write('held', records);
  await bridge.sent(20);
  await bridge.write('fine', records);
  await bridge.commits('own', 'fine', [500]);
  t.same(await bridge.committed('held', 'held'), [0]);
  release();
  await bridge.commits('held', 'held', [500]);
});

t.test('payloads of megabytes arrive as they were, also after a reconnect', async (t) => {
  const bridge = await startEmbedded(t, options());
  bridge.broker.holdPubacks(CLIENT_ID);
  // The mock cluster keeps 5 MB of a partition.
  const values = numbers(3).map((n) => n.repeat(1_500_000));
  for (const value of values) await bridge.write('commands', [{ key: 'k', value }]);
  await bridge.sent(3);
  bridge.broker.holdPubacks(CLIENT_ID)();
  bridge.broker.dropConnections(CLIENT_ID);
  await bridge.commits('down', 'commands', [3]);
  t.same(
    bridge.published.map(({ payload }) => values.indexOf(payload)),
    [0, 1, 2, 0, 1, 2],
  );
});

t.test('a dead letter is published again, with the properties of its record', async (t) => {
  const bridge = await startEmbedded(t, {
    ...options(),
    broker: { recordedPacketsMax: 100 },
    maps: [{ copyMqttProperties: true, routes: [down] }],
  });
  let allowed = false;
  bridge.answer = () => (allowed ? 0 : NOT_AUTHORIZED);
  await bridge.write('commands', [{ key: 'a', value: '1', headers: { colour: 'red' } }]);
  await bridge.commits('down', 'commands', [1]);
  const { model, secrets } = await loadModel([join(bridge.dataDir, 'resources.yaml')], {
    instanceId: 0,
  });
  const replay = async () => {
    const outcomes: unknown[] = [];
    await replayLetters({
      disk: nodeDisk,
      letters: await findLetters(nodeDisk, bridge.dataDir),
      openSender: () => Promise.reject(new Error('nothing is for Kafka')),
      openPublisher: () => openLetterPublisher(model?.connectors[0] as Connector, secrets, 10_000),
      kafkaTopic: undefined,
      mqttTopic: undefined,
      keep: false,
      report: ({ outcome }) => outcomes.push(outcome),
    });
    return outcomes;
  };
  t.match(await replay(), [{ failed: /Not authorized/ }]);
  t.equal((await letters(bridge)).length, 1, 'it stays');
  allowed = true;
  t.same(await replay(), [{ sentTo: 'devices/a' }]);
  t.same(await letters(bridge), []);
  t.same(
    bridge.published.map(({ payload, qos }) => [payload, qos]),
    [
      ['1', 1],
      ['1', 1],
      ['1', 1],
    ],
  );
  const clientId = `${CONNECTOR}-dead-letters-${process.pid}`;
  const last = bridge.broker.recorded(clientId).findLast(({ cmd }) => cmd === 'publish');
  const first = bridge.broker.recorded(CLIENT_ID).find(({ cmd }) => cmd === 'publish');
  t.match(parse(last), { topic: 'devices/a', retain: false });
  t.same(parse(last)?.properties, parse(first)?.properties);
});

function parse(packet: { readonly bytes: Buffer } | undefined): IPublishPacket | undefined {
  let found: IPublishPacket | undefined;
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (each) => {
    found = each as IPublishPacket;
  });
  if (packet !== undefined) reader.parse(packet.bytes);
  return found;
}
