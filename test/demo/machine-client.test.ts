import t, { type Test } from 'tap';
import { createBroker } from '../../src/demo/broker/broker.js';
import type { PublishInput } from '../../src/demo/broker/message.js';
import { decodeProperties } from '../../src/demo/broker/wire/publish-properties.js';
import type { ReceivedCommand } from '../../src/demo/commands.js';
import { MachineClient } from '../../src/demo/machine-client.js';
import { until } from '../support/until.js';

const CLIENT = 'machine-press';
const COMMAND: PublishInput = {
  topic: 'press/commands',
  qos: 1,
  payload: 'halt',
  contentType: 'text/plain',
  responseTopic: 'press/answers',
  correlationData: Buffer.from([0xff, 0, 1]),
  userProperties: [['operator', 'ada']],
};

async function scene(t: Test, answers = true) {
  const broker = createBroker();
  t.teardown(() => broker.close());
  const { port } = await broker.listen();
  const received: ReceivedCommand[] = [];
  const answered: [Buffer | undefined, number][] = [];
  const client = new MachineClient({
    port,
    clientId: CLIENT,
    topicFilter: 'press/commands',
    answer: (command) => {
      received.push(command);
      const { responseTopic: topic = '', correlationData = Buffer.alloc(0) } = command;
      const userProperties = [['machine', 'press']] as const;
      return answers ? { topic, payload: 'done', correlationData, userProperties } : undefined;
    },
    onAnswered: (correlationData, reasonCode) => answered.push([correlationData, reasonCode]),
  });
  t.teardown(() => client.close());
  const inFlight = () => broker.session(CLIENT)?.inFlight;
  return { broker, client, received, answered, inFlight };
}

t.test('a machine answers a command with its Correlation Data', async (t) => {
  const { broker, client, received, answered } = await scene(t);
  const published: unknown[] = [];
  broker.hooks.onPublish = (_, { topic, payload, properties }) => {
    published.push({ topic, payload: payload.toString(), ...decodeProperties(properties) });
    return undefined;
  };
  await client.connect();
  t.equal(broker.publish(COMMAND), 1, 'the subscription is in force');
  await until('the answer is acknowledged', () => answered.length === 1);
  const { correlationData, responseTopic, contentType } = COMMAND;
  t.match(received, [{ mqttTopic: COMMAND.topic, responseTopic, contentType, correlationData }]);
  t.equal(received[0]?.userProperties.get('operator'), 'ada');
  const userProperties = [['machine', 'press']];
  t.match(published, [
    { topic: 'press/answers', payload: 'done', correlationData, userProperties },
  ]);
});

t.test('a command is acknowledged once its answer was', async (t) => {
  const { broker, client, received, answered, inFlight } = await scene(t);
  await client.connect();
  const release = broker.holdPubacks(CLIENT);
  let answers = 0;
  broker.hooks.onPublish = () => {
    answers += 1;
    return undefined;
  };
  for (let i = 0; i < 101; i++) broker.publish(COMMAND);
  // A PUBACK that comes too early would be at the broker before the answers.
  await until('the first answers have come', () => answers >= 100);
  t.equal(received.length, 100);
  t.equal(inFlight(), 100, 'as many as its Receive Maximum');
  t.equal(broker.session(CLIENT)?.queued, 1);
  release();
  await until('all is acknowledged', () => answered.length === 101 && inFlight() === 0);
});

t.test('what is not answered is acknowledged all the same', async (t) => {
  const { broker, client, received, answered, inFlight } = await scene(t, false);
  await client.connect();
  broker.publish(COMMAND);
  broker.publish({ ...COMMAND, qos: 0 });
  await until('both have come', () => received.length === 2 && inFlight() === 0);
  t.strictSame(answered, []);
});

t.test('an answer that the broker refuses is told', async (t) => {
  const { broker, client, answered } = await scene(t);
  broker.hooks.onPublish = () => 0x87;
  await client.connect();
  broker.publish(COMMAND);
  await until('it is told', () => answered.length === 1);
  t.equal(answered[0]?.[1], 0x87);
});

t.test('a broker that does not take it makes it fail', async (t) => {
  const { broker, client } = await scene(t);
  broker.refuseConnections(0x87);
  await t.rejects(client.connect(), { code: 'ERR_DEMO_MACHINE' });
  broker.refuseConnections(0)();
  broker.hooks.onSubscribe = () => 0x87;
  await t.rejects(client.connect(), { message: 'machine-press may not subscribe: 0x87' });
});
