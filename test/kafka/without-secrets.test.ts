import t from 'tap';
import { secretsRemover } from '../../src/kafka/without-secrets.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { NO_CREDENTIALS } from '../support/kafka-access.js';

const sealed = seal<KafkaCredentials>({
  login: { username: 'bridge', password: 'hunter2$&' },
  client: { certificatePem: '', keyPem: '', passPhrase: 'phrase' },
});
const clean = secretsRemover(sealed);

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
  t.strictSame(secretsRemover(NO_CREDENTIALS)(message), message);
  const short = seal<KafkaCredentials>({ login: { username: 'a', password: 'ab' } });
  t.strictSame(secretsRemover(short)(message), message);
});
