import t from 'tap';
import { systemClock } from '../../../src/base/clock.js';
import { createBroker } from '../../../src/demo/broker/broker.js';
import type { BrokerOptions } from '../../../src/demo/broker/options.js';
import { openPublishSender, type SentPublish } from '../../../src/mqtt/send/publish-sender.js';
import { mqttConnection, NO_MQTT_CREDENTIALS } from '../../support/mqtt-access.js';
import { until } from '../../support/until.js';

const CLIENT_ID = 'replay';
const USER_PROPERTY = Buffer.from([0x26, 0, 1, 0x61, 0, 1, 0x62]);

function publishOf(changes: Partial<SentPublish> = {}): SentPublish {
  return {
    topic: 'a',
    properties: USER_PROPERTY,
    retain: false,
    payload: Buffer.from('1'),
    ...changes,
  };
}

async function setUp(t: { teardown(end: () => unknown): void }, options: BrokerOptions = {}) {
  const broker = createBroker(options);
  const { host, port } = await broker.listen();
  const payloads: string[] = [];
  broker.hooks.onPublish = (_, { payload }) => {
    payloads.push(`${payload}`);
    return undefined;
  };
  const open = (timeoutMs = 10_000) =>
    openPublishSender({
      access: {
        connection: mqttConnection({ host, port }),
        credentials: () => NO_MQTT_CREDENTIALS,
      },
      clientId: CLIENT_ID,
      clock: systemClock,
      random: () => 0,
      timeoutMs,
    });
  t.teardown(() => broker.close());
  return { broker, payloads, open };
}

t.test('a PUBLISH is confirmed by its PUBACK, and not before', async (t) => {
  const { broker, payloads, open } = await setUp(t);
  const sender = await open();
  const release = broker.holdPubacks(CLIENT_ID);
  let confirmed = false;
  const sent = sender.send(publishOf()).then((code) => {
    confirmed = true;
    return code;
  });
  await until('the broker has it', () => payloads.length === 1);
  t.notOk(confirmed);
  release();
  t.equal(await sent, 0x10, 'nobody has subscribed to it');
  sender.close();
  await until('its session is over', () => broker.session(CLIENT_ID) === undefined);
});

t.test('many go in order within the Receive Maximum of the broker', async (t) => {
  const { payloads, open } = await setUp(t, { receiveMaximum: 3 });
  const sender = await open();
  const values = Array.from({ length: 50 }, (_, n) => `${n}`);
  await Promise.all(values.map((each) => sender.send(publishOf({ payload: Buffer.from(each) }))));
  t.same(payloads, values);
  sender.close();
});

t.test('what a broken connection had sent is sent again', async (t) => {
  const { broker, payloads, open } = await setUp(t);
  const sender = await open();
  broker.holdPubacks(CLIENT_ID);
  const sent = sender.send(publishOf());
  await until('the broker has it', () => payloads.length === 1);
  broker.holdPubacks(CLIENT_ID)();
  broker.dropConnections(CLIENT_ID);
  t.equal(await sent, 0x10);
  t.same(payloads, ['1', '1']);
  sender.close();
});

t.test('a refusal, no answer, and what no broker can take are errors that say so', async (t) => {
  const { broker, open } = await setUp(t, { maximumPacketSize: 1_000 });
  const sender = await open(1_000);
  broker.hooks.onPublish = (_, { topic }) => (topic === 'no' ? 0x87 : undefined);
  await t.rejects(sender.send(publishOf({ topic: 'no' })), {
    code: 'ERR_DEAD_LETTER_REPLAY',
    message: /refuses the PUBLISH: .*Not authorized/,
  });
  await t.rejects(sender.send(publishOf({ topic: 'a/#' })), /"a\/#" is no topic name/);
  await t.rejects(sender.send(publishOf({ payload: Buffer.alloc(2_000) })), /Maximum Packet Size/);
  broker.holdPubacks(CLIENT_ID);
  await t.rejects(sender.send(publishOf()), /has sent no PUBACK within 1000 ms/);
  const late = sender.send(publishOf());
  sender.close();
  await t.rejects(late, /cannot be used: closed/);
});

t.test('a broker that is not there, refuses, or has no QoS 1 is an error in time', async (t) => {
  const { broker, open } = await setUp(t);
  broker.refuseConnections(0x87);
  await t.rejects(open(500), /is not there: .*Not authorized/);
  await broker.close();
  await t.rejects(open(500), /is not there: .*ECONNREFUSED/);
  const other = await setUp(t, { maximumQos: 0 });
  await t.rejects(other.open(500), /Maximum QoS is 0/);
});
