import { once } from 'node:events';
import { connect } from 'node:net';
import type { IPublishPacket, Packet } from 'mqtt-packet';
import mqttPacket from 'mqtt-packet';
import type { Test } from 'tap';
import t from 'tap';
import { LoadGenerator } from '../../src/bench/generator.js';
import type { Load, LoadReport } from '../../src/bench/protocol.js';
import type { BenchConnectorOptions } from '../support/bench-connector.js';
import { BenchConnector } from '../support/bench-connector.js';
import { until } from '../support/until.js';

const LOAD: Load = {
  topicRoot: 'bench',
  throughBroker: undefined,
  topics: 10,
  routes: 1,
  keys: 10,
  keyProperty: undefined,
  skew: 0,
  payload: [{ bytes: 20, percent: 100 }],
  userProperties: 1,
  systemProperties: false,
  qos: 1,
  ratePerSecond: undefined,
  warmup: { kind: 'messages', count: 100 },
  measured: { kind: 'messages', count: 1000 },
  atOnce: false,
  stallSeconds: 60,
};

function startGenerator(t: Test, load: Partial<Load>, connections = 1) {
  const events: string[] = [];
  const progress: number[] = [];
  let generator: LoadGenerator | undefined;
  const report = new Promise<LoadReport>((resolve, reject) => {
    generator = new LoadGenerator(
      {
        load: { ...LOAD, ...load },
        feed: undefined,
        receiveMaximum: 100,
        connections,
        broker: undefined,
      },
      undefined,
      {
        onLoading: () => events.push('loading'),
        onProgress: ({ load = 0 }) => progress.push(load),
        onMeasuring: () => events.push('measuring'),
        onMeasured: (messages) => events.push(`measured ${messages}`),
        onFinished: ({ load }) => resolve(load as LoadReport),
        onFailed: (message) => reject(new Error(message)),
      },
    );
  });
  t.teardown(() => generator?.close());
  const endpoint = (generator as unknown as LoadGenerator).open();
  const port = endpoint.then((text) => Number(text.split(':')[1]));
  return { port, report, events, progress };
}

async function run(t: Test, load: Partial<Load>, options: Partial<BenchConnectorOptions>) {
  const { port, report, events, progress } = startGenerator(t, load);
  const connector = await BenchConnector.dial({
    port: await port,
    behaviour: 'orderly',
    receiveMaximum: 50,
    qos: 1,
    subscriptionIdentifier: 300,
    ...options,
  });
  t.teardown(() => connector.close());
  return { report: await report, connector, events, progress };
}

t.test('every message is sent, acknowledged and counted', async (t) => {
  const { report, connector, events, progress } = await run(t, {}, {});
  t.match(report, {
    sent: 1100,
    settled: 1100,
    unacknowledged: 0,
    refused: 0,
    outOfOrder: 0,
    unknownPacketIds: 0,
    connectionsLost: 0,
  });
  t.equal(connector.received, 1100);
  t.ok(report.messages >= 950 && report.messages <= 1000, 'a burst may straddle the beginning');
  t.strictSame(events, ['loading', 'measuring', `measured ${report.messages}`]);
  t.equal(progress.at(-1), 1100, 'the last that is told is the end of the measured phase');
  t.ok(progress.includes(1100 - report.messages), 'and its beginning is told too');
});

t.test('no more messages than Receive Maximum wait for their PUBACK', async (t) => {
  const { connector } = await run(t, {}, { receiveMaximum: 7 });
  t.ok(connector.waitingMax <= 7, `${connector.waitingMax} of 7`);
});

t.test('each PUBLISH carries the Subscription Identifier and the properties', async (t) => {
  const parser = mqttPacket.parser({ protocolVersion: 5 });
  const packets: IPublishPacket[] = [];
  parser.on('packet', (packet) => packets.push(packet as IPublishPacket));
  await run(t, {}, { onPublish: (packet) => parser.parse(Buffer.from(packet)) });
  t.equal(packets.length, 1100);
  for (const { properties, payload, topic } of packets) {
    const wrong =
      properties?.subscriptionIdentifier !== 300 ||
      properties?.userProperties?.['property-0'] !== 'value-0-of-the-bench' ||
      payload.length !== 20 ||
      !/^bench\/\d$/.test(topic);
    if (wrong) t.fail('a PUBLISH is not as the load says', { found: { properties, topic } });
  }
});

t.test(
  'a client of MQTT 3.1.1 is loaded without properties, up to the limit of the bench',
  async (t) => {
    const parser = mqttPacket.parser({ protocolVersion: 4 });
    const packets: IPublishPacket[] = [];
    parser.on('packet', (packet) => packets.push(packet as IPublishPacket));
    const { report, connector } = await run(
      t,
      { userProperties: 0 },
      { protocolVersion: 4, onPublish: (packet) => parser.parse(Buffer.from(packet)) },
    );
    t.match(report, { sent: 1100, settled: 1100, unacknowledged: 0, outOfOrder: 0 });
    t.equal(packets.length, 1100);
    const wrong = packets.filter(
      ({ topic, payload, qos }) => !/^bench\/\d$/.test(topic) || payload.length !== 20 || qos !== 1,
    );
    t.strictSame(wrong, []);
    t.ok(connector.waitingMax <= 100, `${connector.waitingMax} of the 100 of the bench`);
  },
);

t.test('a load that a client cannot take fails the run', async (t) => {
  await t.rejects(run(t, { userProperties: 1 }, { protocolVersion: 4 }), /which has no properties/);
  const properties = { userProperties: 0, systemProperties: true };
  await t.rejects(run(t, properties, { protocolVersion: 4 }), /which has no properties/);
  await t.rejects(run(t, {}, { protocolVersion: 3 }), /neither MQTT v5 nor MQTT 3.1.1/);
});

t.test('PUBACKs out of order are counted', async (t) => {
  const { report } = await run(t, {}, { behaviour: 'reversed' });
  t.ok(report.outOfOrder > 0);
  t.equal(report.unacknowledged, 0);
});

t.test('refusals are counted', async (t) => {
  const { report } = await run(t, {}, { behaviour: 'refusing' });
  t.equal(report.refused, 1100);
});

t.test('a message that is never acknowledged ends the run and is reported', async (t) => {
  const { report } = await run(t, { stallSeconds: 0.2 }, { behaviour: 'forgetful' });
  t.equal(report.unacknowledged, 1);
});

t.test('a connection that closes with messages in flight ends the run', async (t) => {
  const { report } = await run(t, {}, { behaviour: 'fragile' });
  t.equal(report.connectionsLost, 1);
  t.ok(report.unacknowledged > 0);
});

t.test('an open loop sends everything and reports its own lateness', async (t) => {
  const { report } = await run(
    t,
    { ratePerSecond: 2000, measured: { kind: 'messages', count: 400 } },
    {},
  );
  t.type(report.latenessP99Ms, 'number');
  t.equal(report.unacknowledged, 0);
});

t.test('a load by time ends with it, and everything is settled', async (t) => {
  const { report } = await run(
    t,
    { warmup: { kind: 'seconds', seconds: 0.05 }, measured: { kind: 'seconds', seconds: 0.1 } },
    {},
  );
  t.ok(report.seconds >= 0.1);
  t.equal(report.unacknowledged, 0);
  t.equal(report.sent, report.settled);
});

t.test('large payloads offered at once all arrive', async (t) => {
  const load: Partial<Load> = {
    payload: [{ bytes: 300_000, percent: 100 }],
    warmup: { kind: 'messages', count: 2 },
    measured: { kind: 'messages', count: 20 },
    atOnce: true,
  };
  const { report, connector } = await run(t, load, {});
  t.equal(connector.received, 22);
  t.match(report, { messages: 20, payloadBytes: 6_000_000, unacknowledged: 0 });
});

t.test('QoS 0 needs no PUBACK', async (t) => {
  const { report } = await run(t, { qos: 0 }, { qos: 0 });
  t.match(report, { sent: 1100, settled: 1100, unacknowledged: 0, latency: undefined });
});

t.test(
  'a load that is larger than Maximum Packet Size fails instead of being dropped',
  async (t) => {
    await t.rejects(run(t, {}, { maximumPacketSize: 40 }), { message: /up to 40 bytes/ });
  },
);

t.test('messages are dealt to all connections that subscribed', async (t) => {
  const { port, report } = startGenerator(t, {
    warmup: { kind: 'messages', count: 0 },
    measured: { kind: 'messages', count: 1000 },
  });
  const options = {
    port: await port,
    receiveMaximum: 5,
    qos: 1,
    subscriptionIdentifier: 1,
  } as const;
  const elsewhere = await BenchConnector.dial({ ...options, behaviour: 'elsewhere' });
  const silent = await BenchConnector.dial({ ...options, behaviour: 'silent' });
  let left = 995;
  const orderly = await BenchConnector.dial({
    ...options,
    behaviour: 'orderly',
    onPublish: () => {
      left -= 1;
      // All that the silent one's window leaves: its end is the end of the run.
      if (left === 0) silent.close();
    },
  });
  t.teardown(() => {
    for (const connector of [elsewhere, silent, orderly]) connector.close();
  });
  const { sent, connectionsLost } = await report;
  t.equal(sent, 1000);
  t.equal(connectionsLost, 1);
  t.equal(orderly.received, 995);
  t.equal(silent.received, 5);
  t.equal(elsewhere.received, 0, 'nothing for another filter');
});

t.test(
  'a load over several connections begins when all are there, each with topics of its own',
  async (t) => {
    const { port, report, events } = startGenerator(t, {}, 3);
    const topics: Set<string>[] = [];
    const dial = async (n: number) => {
      const seen = new Set<string>();
      topics.push(seen);
      const connector = await BenchConnector.dial({
        port: await port,
        behaviour: 'orderly',
        receiveMaximum: 50,
        qos: 1,
        subscriptionIdentifier: 1,
        onPublish: (packet) => seen.add(/bench\/\d/.exec(packet.toString('latin1'))?.[0] as string),
      });
      t.teardown(() => connector.close());
      await until('it is subscribed', () => connector.subscribed);
      t.equal(events[0], n < 2 ? undefined : 'loading', `with ${n + 1} of 3`);
    };
    for (const n of [0, 1, 2]) await dial(n);
    t.match(await report, { sent: 1100, unacknowledged: 0 });
    t.strictSame(
      topics.map((seen) => [...seen].sort().join(' ')),
      ['bench/0 bench/3 bench/6 bench/9', 'bench/1 bench/4 bench/7', 'bench/2 bench/5 bench/8'],
    );
  },
);

t.test('with several routes each topic has its own identifier, once all are there', async (t) => {
  const payload = [{ bytes: 20, percent: 100 }];
  const { port } = startGenerator(t, { topics: 6, keys: 6, routes: 3, payload });
  const socket = connect(await port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  const seen: string[] = [];
  const parser = mqttPacket.parser({ protocolVersion: 5 });
  const published = new Promise<void>((resolve) => {
    parser.on('packet', (packet) => {
      if (packet.cmd !== 'publish') seen.push(packet.cmd);
      else seen.push(`${packet.topic} ${packet.properties?.subscriptionIdentifier}`);
      if (seen.length === 10) resolve();
    });
  });
  socket.on('data', (chunk: Buffer) => parser.parse(chunk));
  const write = (packet: Packet) =>
    socket.write(mqttPacket.generate(packet, { protocolVersion: 5 }));
  const subscribe = (route: number) =>
    write({
      cmd: 'subscribe',
      messageId: 1 + route,
      subscriptions: [{ topic: `bench/${route}/#`, qos: 1 }],
      properties: { subscriptionIdentifier: 10 + route },
    });
  subscribe(2);
  subscribe(0);
  write({ cmd: 'pingreq' });
  subscribe(1);
  await published;
  t.strictSame(seen.slice(0, 10), [
    'suback',
    'suback',
    'pingresp',
    'suback',
    'bench/0/0 10',
    'bench/1/1 11',
    'bench/2/2 12',
    'bench/0/3 10',
    'bench/1/4 11',
    'bench/2/5 12',
  ]);
});

t.test('PINGREQ and UNSUBSCRIBE are answered', async (t) => {
  const { port } = startGenerator(t, {});
  const socket = connect(await port, '127.0.0.1');
  t.teardown(() => socket.destroy());
  const answers: string[] = [];
  const parser = mqttPacket.parser({ protocolVersion: 5 });
  const complete = new Promise<void>((resolve) => {
    parser.on('packet', ({ cmd }) => {
      answers.push(cmd);
      if (answers.length === 2) resolve();
    });
  });
  socket.on('data', (chunk: Buffer) => parser.parse(chunk));
  await once(socket, 'connect');
  socket.write(mqttPacket.generate({ cmd: 'pingreq' }, { protocolVersion: 5 }));
  socket.write(
    mqttPacket.generate(
      { cmd: 'unsubscribe', messageId: 4, unsubscriptions: ['old/#'] },
      { protocolVersion: 5 },
    ),
  );
  await complete;
  t.strictSame(answers, ['pingresp', 'unsuback']);
});
