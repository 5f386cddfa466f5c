import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import t from 'tap';
import { inspectApart } from '../../src/doctor/inspect-apart.js';
import type { Inspection } from '../../src/doctor/kafka.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { startScriptedKafka } from '../support/scripted-kafka.js';

const TIMEOUT_MS = 10_000;
const PLANT = { name: 'plant', partitions: 3 };
const OFFSETS = { name: '__consumer_offsets', partitions: 1 };

function inspectionOf(bootstrapServers: string, timeoutMs = TIMEOUT_MS): Inspection {
  return {
    access: {
      kafka: {
        bootstrapServers,
        isEventHubs: false,
        tls: undefined,
        authentication: { kind: 'sasl', mechanism: 'plain', secretName: 'login' },
      },
      kafkaCredentials: seal<KafkaCredentials>({
        login: { username: 'planted-user', password: 'planted-password' },
      }),
    },
    request: { topics: ['plant'], groups: [], timeoutMs },
  };
}

/** Without a login. */
function plainInspectionOf(bootstrapServers: string, timeoutMs?: number): Inspection {
  const { access, request } = inspectionOf(bootstrapServers, timeoutMs);
  const kafka = { ...access.kafka, authentication: { kind: 'none' } } as const;
  return { access: { kafka, kafkaCredentials: seal<KafkaCredentials>({}) }, request };
}

t.test('what is found out comes back whole', async (t) => {
  const address = await startScriptedKafka(t, { topics: [PLANT, OFFSETS] });
  const { fault, brokers, topics } = await inspectApart(plainInspectionOf(address));
  t.equal(fault, undefined);
  t.match(brokers, [{ id: 1, host: '127.0.0.1', port: Number(address.split(':')[1]) }]);
  const untold = { maxMessageBytes: undefined, mayWrite: undefined, mayRead: undefined };
  t.strictSame(topics, [{ ...PLANT, exists: true, error: undefined, ...untold }]);
});

/** Behind the correlation id: that the version that was asked for is not known, which has the answer be one of
 * version 0. */
function withoutError(response: Buffer): Buffer {
  response.writeInt16BE(0, 4);
  return response;
}

const HOSTILE = {
  'a topic that nobody asked about': { topics: [{ name: 'other', partitions: 1 }, OFFSETS] },
  'versions that are not written as they were asked for': {
    topics: [PLANT, OFFSETS],
    spoilVersions: withoutError,
  },
};

for (const [name, options] of Object.entries(HOSTILE)) {
  t.test(`${name}: the client of Kafka may end, and is told of`, async (t) => {
    const address = await startScriptedKafka(t, options);
    const { fault, topics } = await inspectApart(plainInspectionOf(address));
    t.match(fault, {
      reason: 'protocol',
      detail:
        /^Kafka's client ended \(SIG\w+\) on an answer that breaks its protocol: what answers at 127/,
    });
    t.strictSame(topics, []);
  });
}

t.test('a process that never answers is ended', async (t) => {
  const { fault } = await inspectApart(plainInspectionOf('127.0.0.1:1', 1), 0);
  t.strictSame(fault, {
    reason: 'timeout',
    detail: '127.0.0.1:1 did not answer within 1 ms',
  });
});

t.test('a process that cannot ask is told of', async (t) => {
  const before = process.env['NODE_OPTIONS'];
  t.teardown(() => {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  });
  process.env['NODE_OPTIONS'] = '--no-such-option';
  const { fault } = await inspectApart(plainInspectionOf('127.0.0.1:1'));
  t.match(fault?.detail, /^the process that asks 127\.0\.0\.1:1 ended \(exit code \d+\)$/);
});

t.test('secrets are in no argument and in no environment', async (t) => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const connected = once(server, 'connection');
  const { port } = server.address() as AddressInfo;
  const inspected = inspectApart(inspectionOf(`127.0.0.1:${port}`));
  const [socket] = await connected;
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8')
    .trim()
    .split(' ');
  t.equal(children.length, 1);
  for (const file of ['cmdline', 'environ']) {
    const text = readFileSync(`/proc/${children[0]}/${file}`, 'utf8');
    t.ok(text.length > 0, file);
    t.notMatch(text, /planted/);
  }
  socket.destroy();
  server.close();
  const { fault } = await inspected;
  t.type(fault?.detail, 'string');
  t.notMatch(fault?.detail, /planted/);
});
