import t from 'tap';
import type { FromWorker } from '../../src/channel/protocol.js';
import { SecretsRemover } from '../../src/kafka/without-secrets.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { NO_CREDENTIALS } from '../support/kafka-access.js';

const sealed = seal<KafkaCredentials>({
  login: { username: 'bridge', password: 'hunter2$&' },
  client: { certificatePem: '', keyPem: '', passPhrase: 'phrase' },
});
const remover = new SecretsRemover(sealed);
const clean = <M extends FromWorker>(message: M) => remover.clean(message);

t.test('a secret in a text of somebody else is taken out, and nothing else', async (t) => {
  const log = { kind: 'log', level: 'debug' } as const;
  t.strictSame(clean({ ...log, text: 'user bridge: hunter2$&, hunter2$&, phrase' }), {
    ...log,
    text: 'user ...: ..., ..., ...',
  });
  const trouble = { kind: 'consumer', routeIndex: 0, code: 'E', stopped: false } as const;
  t.strictSame(clean({ ...trouble, detail: 'bridge is unknown' }), {
    ...trouble,
    detail: '... is unknown',
  });
  t.strictSame(clean({ kind: 'ready', threadId: 1 }), { kind: 'ready', threadId: 1 });
});

t.test('a host that is called as the user is keeps its name in our own words', async (t) => {
  const down = { kind: 'kafka', up: false, reason: 'refused' } as const;
  t.strictSame(clean({ ...down, detail: 'nobody listens at bridge:9092, hunter2$&' }), {
    ...down,
    detail: 'nobody listens at bridge:9092, ...',
  });
});

t.test('without secrets, or with one too short to be told, a text is what it was', async (t) => {
  const message = { kind: 'log', level: 'debug', text: 'ab' } as const;
  t.strictSame(new SecretsRemover(NO_CREDENTIALS).clean(message), message);
  const short = seal<KafkaCredentials>({ login: { username: 'a', password: 'ab' } });
  t.strictSame(new SecretsRemover(short).clean(message), message);
});

t.test('values of earlier credentials are looked for too, of the last few', async (t) => {
  const of = (password: string) => seal<KafkaCredentials>({ login: { username: 'u', password } });
  const first = of('first-0');
  const both = new SecretsRemover(first);
  for (let i = 1; i <= 20; i++) {
    both.hide(of(`later-${i}-`));
    // What is in service is said to be so again.
    both.hide(first);
  }
  const text = 'first-0 later-20- later-15- later-1-';
  const log = { kind: 'log', level: 'debug', text } as const;
  t.equal(both.clean(log).text, '... ... ... later-1-');
});

t.test('a token is taken out, also of what is said of new credentials', async (t) => {
  const token = { value: 'eyJ.planted', expiresAtMs: 1, principal: 'p' };
  const ofToken = new SecretsRemover(seal<KafkaCredentials>({ token }));
  const refused = { kind: 'credentialsRefused', generation: 1, reason: 'tls' } as const;
  const clean = ofToken.clean({ ...refused, detail: 'no: eyJ.planted' });
  t.strictSame(clean, { ...refused, detail: 'no: ...' });
});
