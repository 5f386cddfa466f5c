import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import t, { type Test } from 'tap';
import { inspectKafka } from '../../src/kafka/inspect.js';
import { type KafkaAccess, plainAccess } from '../../src/kafka/security-properties.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { Random } from '../support/random.js';
import { startScriptedKafka } from '../support/scripted-kafka.js';

/* With as much of an old Kafka as a test needs, with servers that are no Kafka, and none: librdkafka's mock
 * cluster answers none of these questions.
 * test/real/kafka-inspection.test.ts asks a real one. */

/** Where no answer is waited for. */
const SHORT_MS = 1_500;
/** Where one is certain to come. */
const LONG_MS = 60_000;

/** A server on a free port; returns its address. */
async function serve(t: Test, onSocket: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    onSocket(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const NOTHING = { topics: [], groups: [] };

const OFFSETS = { name: '__consumer_offsets', partitions: 1 };

t.test('what an old Kafka does not say is undefined; what is there is told', async (t) => {
  const plant = { name: 'plant', partitions: 3 };
  const topics = [plant, { name: 'absent', code: 3 }, { name: 'hidden', code: 29 }, OFFSETS];
  const address = await startScriptedKafka(t, { topics });
  const request = { topics: ['plant', 'absent', 'hidden', 'plant'], groups: [] };
  const found = await inspectKafka(plainAccess(address), { ...request, timeoutMs: LONG_MS });
  t.equal(found.fault, undefined);
  const [host, port] = address.split(':');
  t.strictSame(found.brokers, [{ id: 1, host, port: Number(port) }]);
  const untold = { maxMessageBytes: undefined, mayWrite: undefined, mayRead: undefined };
  const told = { ...plant, exists: true, error: undefined, ...untold };
  t.strictSame([found.topics[0], found.topics[3]], [told, told]);
  t.match(found.topics[1], { exists: false, partitions: 0, error: /no topic absent/ });
  const hidden = { exists: undefined, mayWrite: false, mayRead: false, error: /not let us see/ };
  t.match(found.topics[2], hidden);
});

t.test(
  'a topic that Kafka leaves out of its answer is one of which nothing is known',
  async (t) => {
    const address = await startScriptedKafka(t, { topics: [OFFSETS] });
    const request = { topics: ['plant'], groups: [], timeoutMs: LONG_MS };
    const { fault, topics } = await inspectKafka(plainAccess(address), request);
    t.equal(fault, undefined);
    t.match(topics, [{ name: 'plant', exists: undefined, partitions: 0, mayWrite: undefined }]);
  },
);

t.test('more names than go into one question are asked about in several', async (t) => {
  const asked: number[] = [];
  const address = await startScriptedKafka(t, {
    topics: (names) => {
      if (names.length > 0) asked.push(names.length);
      return names.map((name) => ({ name, partitions: 1 + (Number(name.replace(/\D/g, '')) % 3) }));
    },
  });
  const names = Array.from({ length: 2_500 }, (_, n) => `topic-${n}`);
  const request = { topics: names, groups: [], timeoutMs: LONG_MS };
  const { fault, topics } = await inspectKafka(plainAccess(address), request);
  t.equal(fault, undefined);
  t.strictSame(
    topics.map(({ name, exists, partitions }) => [name, exists, partitions]),
    names.map((name, n) => [name, true, 1 + (n % 3)]),
  );
  t.strictSame(asked.toSorted(), [1_000, 1_000, 501], 'with the topic of the groups');
});

t.test('where no group was ever used, none is asked about', async (t) => {
  const topics = [{ ...OFFSETS, code: 3 }];
  const address = await startScriptedKafka(t, { topics });
  const request = { topics: [], groups: ['g'], timeoutMs: LONG_MS };
  const { groups } = await inspectKafka(plainAccess(address), request);
  t.strictSame(groups, [{ name: 'g', mayJoin: undefined, error: undefined }]);
});

t.test('an answer that ends anywhere ends nothing but the inspection', async (t) => {
  const random = new Random(20_261_128);
  for (let round = 0; round < 20; round++) {
    const address = await startScriptedKafka(t, {
      topics: [{ name: 'plant', partitions: 3 }, OFFSETS],
      spoil: (response) => response.subarray(0, 4 + random.below(response.length - 4)),
    });
    const request = { topics: ['plant'], groups: ['g'], timeoutMs: 100 };
    const { fault, topics } = await inspectKafka(plainAccess(address), request);
    t.type(fault?.detail, 'string');
    t.match(topics, [{ exists: undefined, error: undefined }]);
  }
});

t.test('with nobody there, the fault says it all', async (t) => {
  const request = { topics: ['a'], groups: ['g'], timeoutMs: SHORT_MS };
  const { fault, brokers, topics, groups } = await inspectKafka(
    plainAccess('127.0.0.1:1'),
    request,
  );
  t.strictSame(fault, { reason: 'refused', detail: 'nobody listens at 127.0.0.1:1' });
  t.strictSame(brokers, []);
  t.match(topics, [{ name: 'a', exists: undefined, error: undefined }]);
  t.strictSame(groups, [{ name: 'g', mayJoin: undefined, error: undefined }]);
});

t.test('a server that says nothing is waited for, and no longer than was asked', async (t) => {
  const address = await serve(t, () => {});
  const began = performance.now();
  const { fault } = await inspectKafka(plainAccess(address), { ...NOTHING, timeoutMs: SHORT_MS });
  t.match(fault, { reason: 'timeout', detail: address });
  t.ok(performance.now() - began >= SHORT_MS - 50);
});

t.test('a server that ends every connection is given up before the time is over', async (t) => {
  const address = await serve(t, (socket) => socket.end());
  const request = { ...NOTHING, timeoutMs: LONG_MS };
  const { fault } = await inspectKafka(plainAccess(address), request);
  t.match(fault, { reason: 'protocol', detail: /ends the connection at its start/ });
});

t.test('answers that are no answers end nothing but the inspection', async (t) => {
  const random = new Random(20_261_127);
  for (let round = 0; round < 20; round++) {
    const address = await serve(t, (socket) => {
      socket.on('data', (request) => socket.write(garbage(request, random)));
    });
    const request = { topics: ['a', 'b'], groups: ['g'], timeoutMs: 100 };
    const found = await inspectKafka(plainAccess(address), request);
    t.type(found.fault?.detail, 'string');
    t.equal(found.topics.length, 2);
  }
});

/** Of a response's frame the length and the correlation id of the request; the rest is chance. */
function garbage(request: Buffer, random: Random): Buffer {
  const body = Buffer.from(Array.from({ length: 60 }, () => random.below(256)));
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(4 + body.length);
  if (request.length >= 12) request.copy(frame, 4, 8, 12);
  return Buffer.concat([frame, body]);
}

t.test('what can never connect is not tried', async (t) => {
  const { kafka } = plainAccess('127.0.0.1:1');
  const identity: KafkaAccess = {
    kafka: {
      ...kafka,
      authentication: { kind: 'systemAssignedManagedIdentity', audience: 'https://hubs.example' },
    },
    kafkaCredentials: seal<KafkaCredentials>({}),
  };
  const request = { ...NOTHING, timeoutMs: LONG_MS };
  const waits = await inspectKafka(identity, request);
  t.match(waits.fault, { reason: 'authentication', detail: /^there is no token yet/ });
  const planted = 'planted-certificate';
  const damaged: KafkaAccess = {
    kafka: { ...kafka, tls: { caConfigMap: 'ca' } },
    kafkaCredentials: seal<KafkaCredentials>({ caPem: planted }),
  };
  const { fault } = await inspectKafka(damaged, request);
  t.match(fault, { detail: /librdkafka/ });
  t.notMatch(fault?.detail, planted);
});

t.test('a name that cannot be sent is an error of the caller', async (t) => {
  const address = await serve(t, () => {});
  const request = { topics: [''], groups: [], timeoutMs: LONG_MS };
  await t.rejects(inspectKafka(plainAccess(address), request), TypeError);
});
