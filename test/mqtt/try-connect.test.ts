import t from 'tap';
import { tryMqttConnect } from '../../src/mqtt/try-connect.js';
import type { MqttCredentials } from '../../src/secrets/mqtt-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { ListeningBroker } from '../support/listening-broker.js';
import { NO_MQTT_CREDENTIALS } from '../support/mqtt-access.js';
import { connectionTo, PEER_CREDENTIALS, PEER_KINDS } from '../support/peer.js';
import { until } from '../support/until.js';

for (const kind of PEER_KINDS) {
  t.test(`${kind}: it leaves nothing behind, and tells what the broker grants`, async (t) => {
    const broker = await ListeningBroker.listen(t, kind);
    broker.connack = { properties: { receiveMaximum: 7, maximumQoS: 1 } };
    const connection = connectionTo(kind, broker.port);
    const limits = await tryMqttConnect(connection, PEER_CREDENTIALS, 'try-1', 10_000);
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
  const outcome = tryMqttConnect(connection, seal<MqttCredentials>({ login }), 'try-1', 10_000);
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
  await t.rejects(tryMqttConnect(connection, NO_MQTT_CREDENTIALS, 'try-1', 10_000), {
    lossReason: 'protocol',
    message: 'the broker sent a CONNACK with a Receive Maximum of 0',
  });
});
