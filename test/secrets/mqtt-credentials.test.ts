import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { UsageError } from '../../src/base/errors.js';
import type { MqttAuthentication, Tls } from '../../src/config/model.js';
import { type MqttCredentials, readMqttCredentials } from '../../src/secrets/mqtt-credentials.js';
import { seal, unseal } from '../../src/secrets/sealed.js';
import type { InlineObjects, SecretSource } from '../../src/secrets/secret-source.js';
import { CA_PEM, CLIENT_KEY, CLIENT_PEM } from '../support/certificates.js';
import { NO_SECRETS } from '../support/kafka-access.js';

type Keys = Readonly<Record<string, string>>;

function source(secret: Keys, changes: Partial<SecretSource> = {}): SecretSource {
  const encode = (keys: Keys) =>
    Object.fromEntries(
      Object.entries(keys).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
    );
  const objects: InlineObjects = {
    Secret: { s: encode(secret) },
    ConfigMap: { k: encode({ 'ca.pem': CA_PEM }) },
  };
  return { ...NO_SECRETS, inline: seal(objects), ...changes };
}

const NONE: MqttAuthentication = { kind: 'none' };
const LOGIN: MqttAuthentication = { kind: 'usernamePassword', secretName: 's' };
const KUBERNETES = (required: boolean): MqttAuthentication => ({
  kind: 'kubernetes',
  audience: 'aio-mq',
  required,
});

async function read(authentication: MqttAuthentication, from: SecretSource, tls?: Tls) {
  return unseal(await readMqttCredentials({ tls, authentication }, from));
}

t.test('a plain connection without a login reads nothing', async (t) => {
  t.strictSame(await read(NONE, NO_SECRETS), {});
});

t.test('user name and password are taken literally', async (t) => {
  const login = { username: 'bridge', password: ' p\n' };
  t.strictSame(await read(LOGIN, source(login)), { login });
});

t.test('what is missing, or longer than MQTT can carry, is named', async (t) => {
  const rejects = (keys: Keys, message: string) =>
    t.rejects(read(LOGIN, source(keys)), new UsageError(message));
  await rejects({ username: 'u' }, 'Secret s has no key password, which the connection needs');
  await rejects(
    { username: 'u', password: 'ä'.repeat(40_000) },
    'Secret s, key password is longer than MQTT can carry',
  );
});

t.test('with TLS there is always something that is trusted', async (t) => {
  const { caPem } = await read(NONE, source({}), { caConfigMap: 'k' });
  t.equal(caPem, CA_PEM.trim());
  const folder = t.testdir({ 'bundle.crt': CA_PEM, none: 'nothing' });
  const before = process.env.SSL_CERT_FILE;
  t.teardown(() => {
    if (before === undefined) delete process.env.SSL_CERT_FILE;
    else process.env.SSL_CERT_FILE = before;
  });
  process.env.SSL_CERT_FILE = join(folder, 'bundle.crt');
  t.same(await read(NONE, source({}), { caConfigMap: undefined }), { caPem: CA_PEM });
  process.env.SSL_CERT_FILE = join(folder, 'none');
  await t.rejects(read(NONE, source({}), { caConfigMap: undefined }), {
    name: 'UsageError',
    message: /none, which SSL_CERT_FILE or SSL_CERT_DIR names, has no CA certificate; install ca-c/,
  });
});

t.test('a client certificate comes with its key', async (t) => {
  const keys = { 'tls.crt': CLIENT_PEM, 'tls.key': CLIENT_KEY };
  const x509: MqttAuthentication = { kind: 'x509', secretName: 's' };
  t.match(await read(x509, source(keys)), {
    client: { certificatePem: CLIENT_PEM, keyPem: CLIENT_KEY },
  });
});

t.test('the service account token is read from its file, without its line break', async (t) => {
  const folder = t.testdir();
  // As Kubernetes mounts it.
  await mkdir(join(folder, '..1'));
  await writeFile(join(folder, '..1', 'mq-sat'), 'head.body.sig\n');
  await symlink('..1', join(folder, '..data'));
  await symlink(join('..data', 'mq-sat'), join(folder, 'mq-sat'));
  const from = source({}, { serviceAccountTokenFile: join(folder, 'mq-sat') });
  t.strictSame(await read(KUBERNETES(true), from), { serviceAccountToken: 'head.body.sig' });
  t.strictSame(await read(KUBERNETES(false), from), { serviceAccountToken: 'head.body.sig' });
});

t.test('a token that was there is missing when its file is gone', async (t) => {
  const gone = source({}, { serviceAccountTokenFile: join(t.testdir(), 'gone') });
  const before = seal<MqttCredentials>({ serviceAccountToken: 'head.body.sig' });
  const connection = { tls: undefined, authentication: KUBERNETES(false) };
  await t.rejects(readMqttCredentials(connection, gone, before), {
    name: 'UsageError',
    message: /there is no .*gone/,
  });
});

t.test('without its file a token is missing where it was asked for', async (t) => {
  const folder = t.testdir({ empty: '\n', garbage: 'a b', large: 'x'.repeat(65_536), folder: {} });
  const at = (name: string) => source({}, { serviceAccountTokenFile: join(folder, name) });
  t.strictSame(await read(KUBERNETES(false), at('gone')), {});
  await t.rejects(read(KUBERNETES(true), at('gone')), {
    name: 'UsageError',
    message: `authentication.kubernetes needs a service account token, and there is no ${folder}/gone; mount a projected volume with one, or name its file with --service-account-token-file`,
  });
  for (const [name, what] of [
    ['empty', 'is empty'],
    ['garbage', 'holds no token'],
    ['large', 'holds no token'],
    ['folder', 'cannot be read \\(EISDIR\\)'],
  ]) {
    await t.rejects(read(KUBERNETES(false), at(name as string)), {
      name: 'UsageError',
      message: new RegExp(`the service account token file .*/${name} ${what}$`),
    });
  }
});
