import t from 'tap';
import { tryMqttConnect } from '../../src/mqtt/try-connect.js';
import type { MqttCredentials } from '../../src/secrets/mqtt-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { ListeningBroker } from '../support/listening-broker.js';
import { connectionTo } from '../support/peer.js';
import { ScriptedSession } from '../support/scripted-session.js';

/* Brokers that repeat, in a Reason String, what they were shown. */

const SECRETS = /planted/;
const credentials = seal<MqttCredentials>({
  login: { username: 'planted-user', password: 'planted-password' },
});
const tokenOf = (serviceAccountToken: string) => seal<MqttCredentials>({ serviceAccountToken });
const repeated = { reasonString: 'not planted-password of planted-user' };

t.test('what a CONNACK repeats is in no state of the session', async (t) => {
  const scripted = new ScriptedSession({ credentials: () => credentials });
  scripted.connect({ reasonCode: 0x87, properties: repeated });
  const text = JSON.stringify(scripted.states);
  t.match(text, /Not authorized \(not \.\.\. of \.\.\.\)/);
  t.notMatch(text, SECRETS);
});

t.test('nor what a SUBACK or a DISCONNECT does', async (t) => {
  const scripted = new ScriptedSession({ credentials: () => credentials });
  scripted.connect();
  scripted.send({ cmd: 'suback', messageId: 1, granted: [0x87 as 0x80], properties: repeated });
  scripted.send({ cmd: 'disconnect', reasonCode: 0x98, properties: repeated });
  const text = JSON.stringify([scripted.refusals, scripted.states]);
  t.equal(text.match(/\(not \.\.\. of \.\.\.\)/g)?.length, 2);
  t.notMatch(text, SECRETS);
});

t.test('nor, of two tokens of one connection, what is shown in AUTH', async (t) => {
  let token = tokenOf('planted');
  const scripted = new ScriptedSession({ credentials: () => token });
  scripted.connect({ properties: { authenticationMethod: 'K8S-SAT' } });
  scripted.send({ cmd: 'suback', messageId: 1, granted: [1] });
  token = tokenOf('planted-anew');
  const renewal = scripted.session.reauthenticate();
  const reasonString = 'planted-anew after planted';
  scripted.send({ cmd: 'disconnect', reasonCode: 0x87, properties: { reasonString } });
  t.equal(await renewal, false);
  const text = JSON.stringify(scripted.states);
  t.match(text, /\(\.\.\. after \.\.\.\)/);
  t.notMatch(text, SECRETS);
});

t.test('nor in the fault of a connection for trial', async (t) => {
  const broker = await ListeningBroker.listen(t);
  broker.connack = { reasonCode: 0x87, properties: repeated };
  const attempt = { clientId: 'try-1', timeoutMs: 10_000 };
  const error = await tryMqttConnect(connectionTo('tcp', broker.port), credentials, attempt).catch(
    (thrown: unknown) => thrown,
  );
  t.match(error, { message: /\(not \.\.\. of \.\.\.\)/ });
  t.notMatch((error as Error).message, SECRETS);
});
