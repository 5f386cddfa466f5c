import t from 'tap';
import { changeBetween, giveToken, logIn, openProducer } from '../../src/kafka/login.js';
import { plainAccess } from '../../src/kafka/security-properties.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { FakeConsumer } from '../support/fake-consumer.js';
import { FakeShardProducers } from '../support/fake-shard-producers.js';
import { ManualClock } from '../support/manual-clock.js';

const TOKEN = { value: 'v', expiresAtMs: 7, principal: 'p' };
const LOGIN = { username: 'u', password: 'p' };
const of = (credentials: KafkaCredentials) => seal(credentials);

t.test('a client that runs gets the login or the token, whichever there is', async (t) => {
  const client = new FakeConsumer();
  logIn(client, of({ login: LOGIN }));
  logIn(client, of({ token: TOKEN }));
  logIn(client, of({ caPem: 'c' }));
  t.strictSame(client.takeCalls(), ['login u p', 'token v 7']);
});

t.test('a client that was just opened gets a token only where it logs in by one', async (t) => {
  const plain = plainAccess('a:1');
  const authentication = { kind: 'systemAssignedManagedIdentity', audience: 'a' } as const;
  const byToken = {
    kafka: { ...plain.kafka, authentication },
    kafkaCredentials: of({ token: TOKEN }),
  };
  const native = new FakeShardProducers(new ManualClock());
  openProducer(native, { ...plain, kafkaCredentials: of({ login: LOGIN }) }, {});
  const index = openProducer(native, byToken, {});
  openProducer(native, { ...byToken, kafkaCredentials: of({}) }, {});
  t.strictSame(native.logins, [[index, 'v']]);
  const consumer = new FakeConsumer();
  giveToken(consumer, byToken);
  t.strictSame(consumer.takeCalls(), ['token v 7']);
});

t.test('what of a client has to be another is told by what differs', async (t) => {
  const client = { certificatePem: 'c', keyPem: 'k', passPhrase: undefined };
  const between = (before: KafkaCredentials, after: KafkaCredentials) =>
    changeBetween(of(before), of(after));
  const all = { caPem: 'ca', login: LOGIN, client, token: TOKEN };
  t.equal(between(all, structuredClone(all)), 'nothing');
  t.equal(between(all, { ...all, login: { ...LOGIN, password: 'q' } }), 'login');
  t.equal(between(all, { ...all, token: { ...TOKEN, expiresAtMs: 8 } }), 'login');
  t.equal(between(all, { ...all, login: { ...LOGIN, username: 'v' } }), 'client');
  t.equal(between({}, { token: TOKEN }), 'login');
  t.equal(between(all, { ...all, client: { ...client, keyPem: 'l' } }), 'client');
  t.equal(between(all, { ...all, caPem: 'other', login: LOGIN }), 'client');
  t.equal(between(all, { ...all, caPem: undefined }), 'client');
});
