import { join } from 'node:path';
import t from 'tap';
import { loadModel } from '../../src/config/load-model.js';
import { connector, topicMap } from './documents.js';

const WITH_LOGIN = `kafkaConnection:
  endpoint: a:1
  tls: { tlsEnabled: true, caConfigMap: ca }
  authentication:
    enabled: true
    authType: { sasl: { saslType: plain, secretName: login } }`;

t.test('files, folders of secrets and of config maps become one model', async (t) => {
  const folder = t.testdir({
    resources: { 'c.yaml': connector(WITH_LOGIN), 'm.yaml': topicMap() },
    secrets: { login: { username: 'u', password: 'p' } },
    configMaps: { ca: { 'ca.pem': 'x' } },
  });
  const loaded = await loadModel([join(folder, 'resources')], {
    instanceId: 0,
    cores: 2,
    secretsDir: join(folder, 'secrets'),
    configMapsDir: join(folder, 'configMaps'),
  });
  t.same(loaded.problems, []);
  t.equal(loaded.model?.connectors[0]?.topicMaps.length, 1);
});

t.test('what a folder of secrets lacks is an error', async (t) => {
  const folder = t.testdir({
    'all.yaml': connector(WITH_LOGIN) + topicMap(),
    secrets: { login: { username: 'u' } },
    configMaps: {},
  });
  const { model, problems } = await loadModel([join(folder, 'all.yaml')], {
    instanceId: 0,
    secretsDir: join(folder, 'secrets'),
    configMapsDir: join(folder, 'configMaps'),
  });
  t.equal(model, undefined);
  t.same(
    problems.map(({ severity, line, message }) => [severity, line, message]),
    [
      ['error', 9, 'there is no ConfigMap ca'],
      ['error', 12, 'Secret login has no key password'],
    ],
  );
});

t.test(
  'a file that cannot be read leaves no model, and nothing else is blamed for it',
  async (t) => {
    const folder = t.testdir({ 'm.yaml': topicMap(), 'broken.yaml': 'a: @' });
    const { model, problems } = await loadModel([folder, join(folder, 'gone')], { instanceId: 0 });
    t.equal(model, undefined);
    t.same(
      problems.map(({ file, line, message }) => [file, line, message]),
      [
        [join(folder, 'gone'), 0, 'does not exist'],
        [join(folder, 'broken.yaml'), 1, 'a value starts with a character that YAML reserves'],
      ],
    );
  },
);
