import { once } from 'node:events';
import t from 'tap';
import { ConnectionFault } from '../../src/mqtt/dial/connection-fault.js';
import { tryMqttConnect } from '../../src/mqtt/try-connect.js';
import type { MqttCredentials } from '../../src/secrets/mqtt-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { ListeningBroker } from '../support/listening-broker.js';
import { NO_MQTT_CREDENTIALS } from '../support/mqtt-access.js';
import { connectionTo, listenPeer, PEER_CREDENTIALS, PEER_KINDS } from '../support/peer.js';
import { BROKER_CA_PEM } from '../support/server-certificates.js';
import { until } from '../support/until.js';

const ATTEMPT = { clientId: 'try-1', timeoutMs: 10_000 };

for (const kind of PEER_KINDS) {
  t.test(`${kind}: it leaves nothing behind, and tells what the broker grants`, async (t) => {
    const broker = await ListeningBroker.listen(t, kind);
    broker.connack = { properties: { receiveMaximum: 7, maximumQoS: 1 } };
    const connection = connectionTo(kind, broker.port);
    const limits = await tryMqttConnect(connection, PEER_CREDENTIALS, ATTEMPT);
    t.match(limits, { receiveMaximum: 7, maximumQos: 1, sessionPresent: false });
    await until('it has said good-bye', () => broker.packets.length === 2);
    t.match(broker.packets, [
      {
        cmd: 'connect',
        clientId: 'try-1',
        clean: true,
        properties: { sessionExpiryInterval: 0, receiveMaximum: 1 },
      },
      { cmd: 'disconnect', reasonCode: 0 },
    ]);
    t.equal(broker.connections, 1);
  });
}

t.test('a refusal is told in words for people, without what was shown', async (t) => {
  const broker = await ListeningBroker.listen(t);
  broker.connack = { reasonCode: 0x87 };
  const connection = connectionTo('tcp', broker.port, {
    authentication: { kind: 'usernamePassword', secretName: 'login' },
  });
  const login = { username: 'planted-user', password: 'planted-password' };
  const outcome = tryMqttConnect(connection, seal<MqttCredentials>({ login }), ATTEMPT);
  const error = await outcome.catch((thrown: unknown) => thrown);
  t.match(error, {
    lossReason: 'authentication',
    message: /^CONNECT refused: 0x87 Not authorized: the username or the password in Secret login/,
  });
  t.notMatch(`${(error as Error).stack}`, /planted/);
  t.match(broker.packets, [{ cmd: 'connect', username: 'planted-user' }]);
});

t.test('a server that breaks the protocol is told so', async (t) => {
  const broker = await ListeningBroker.listen(t);
  broker.connack = { properties: { receiveMaximum: 0 } };
  const connection = connectionTo('tcp', broker.port);
  await t.rejects(tryMqttConnect(connection, NO_MQTT_CREDENTIALS, ATTEMPT), {
    lossReason: 'protocol',
    message: 'the broker sent a CONNACK with a Receive Maximum of 0',
  });
});

t.test('credentials that TLS cannot use are told, and not thrown', async (t) => {
  const broken = seal<MqttCredentials>({
    caPem: BROKER_CA_PEM,
    client: {
      certificatePem: '-----BEGIN CERTIFICATE-----\nplanted\n-----END CERTIFICATE-----',
      keyPem: 'planted',
      passPhrase: undefined,
    },
  });
  for (const kind of ['tls', 'wss'] as const) {
    const error = await tryMqttConnect(connectionTo(kind, 1), broken, ATTEMPT).catch(
      (thrown: unknown) => thrown,
    );
    t.type(error, ConnectionFault, kind);
    t.match(error, {
      lossReason: 'tls',
      message: /no connection to .*:1 can be begun: TLS cannot use its credentials/,
    });
    t.notMatch(`${(error as Error).message}`, /planted/);
  }
});

for (const when of ['before', 'during'] as const) {
  t.test(`an attempt that is given up ${when} it ends at once`, async (t) => {
    const silent = await listenPeer(t, 'tcp');
    const giveUp = new AbortController();
    if (when === 'before') giveUp.abort();
    const attempt = { ...ATTEMPT, timeoutMs: 600_000, signal: giveUp.signal };
    const outcome = tryMqttConnect(
      connectionTo('tcp', silent.port),
      NO_MQTT_CREDENTIALS,
      attempt,
    ).catch((thrown: unknown) => thrown);
    if (when === 'during') {
      await once(await silent.accepted, 'data');
      giveUp.abort();
    }
    t.match(await outcome, { message: /given up/ });
  });
}
