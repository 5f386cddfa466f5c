import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import type { Problem } from '../../src/base/errors.js';
import { readMounted } from '../../src/config/secrets.js';
import { type Case, check, connector, expectedProblem, topicMap } from './documents.js';

function secret(fields: string, name = 's'): string {
  return `---\napiVersion: v1\nkind: Secret\nmetadata:\n  name: ${name}\n${fields}\n`;
}

const CASES: readonly Case[] = [
  {
    title: 'data of a Secret is base64',
    text: secret('data:\n  password: hunter2! # <-'),
    resource: 'Secret/s',
    path: 'data.password',
    message: 'is not base64',
    hint: 'encode it, or use stringData in a Secret',
  },
  {
    title: 'a value of a Secret is a string',
    text: secret('stringData:\n  password: 1234567 # <-'),
    resource: 'Secret/s',
    path: 'stringData.password',
    message: 'is not a string',
    hint: 'put it in quotes',
  },
  {
    title: 'data is a mapping',
    text: secret('data: [hunter2] # <-'),
    resource: 'Secret/s',
    path: 'data',
    message: 'is no mapping',
    hint: 'must be a mapping of keys to values',
  },
  {
    title: 'a Secret is of version v1',
    text: secret('data: {}').replace('v1', 'v2 # <-'),
    resource: 'Secret/s',
    path: 'apiVersion',
    message: 'is not that of this kind',
    hint: 'write v1',
  },
  {
    title: 'a Secret has a name',
    text: secret('data: {}').replace('metadata:\n  name: s', 'metadata: {} # <-'),
    resource: 'Secret',
    path: 'metadata.name',
    message: 'is missing',
    hint: 'name the Secret',
  },
  {
    title: 'a Secret is there once',
    text: secret('data: {}') + secret('data: {}', 's # <-'),
    resource: 'Secret/s',
    path: 'metadata.name',
    message: 'Secret s is there twice; the first is at test.yaml:2',
    hint: 'rename one of the two; namespaces make no difference here',
  },
  {
    title: 'a placeholder in a Secret is not filled in',
    text: secret(
      'stringData:\n  password: Endpoint=sb://<NAMESPACE>.x/;SharedAccessKey=hunter2 # <-',
    ),
    resource: 'Secret/s',
    path: 'stringData.password',
    message: 'still has the placeholder <NAMESPACE>',
    hint: 'fill it in with a value of your own',
  },
  {
    title: 'binary data of a ConfigMap is base64',
    text: '---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: k }\nbinaryData:\n  ca: "=" # <-\n',
    resource: 'ConfigMap/k',
    path: 'binaryData.ca',
    message: 'is not base64',
    hint: 'encode it, or use stringData in a Secret',
  },
];

for (const one of CASES) {
  t.test(one.title, async (t) => {
    const { problems } = check(one.text + connector() + topicMap());
    t.strictSame(problems, [expectedProblem(one)]);
    t.notMatch(JSON.stringify(problems), /hunter2/);
  });
}

t.test('base64 may be broken into lines', async (t) => {
  const text = secret('data:\n  a: |\n    aGVs\n    bG8=\n  b: ""');
  t.same(check(text + connector() + topicMap()).problems, []);
});

t.test('secrets and config maps may stand beside the resources', async (t) => {
  const spec = `kafkaConnection:
  endpoint: a:1
  tls: { tlsEnabled: true, caConfigMap: k }
  authentication:
    enabled: true
    authType: { sasl: { saslType: plain, secretName: s } }`;
  const login = secret(
    'data: { username: JENvbm5lY3Rpb25TdHJpbmc= }\nstringData: { password: hunter2 }',
  );
  const ca = '---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: k }\ndata: { ca.pem: x }\n';
  t.same(check(connector(spec) + topicMap() + login + ca).problems, []);
});

t.test('folders are read as Kubernetes mounts them', async (t) => {
  const folder = t.testdir({
    login: { '..2024': { username: 'u', password: '' } },
    '.hidden': { key: 'x' },
    'no-folder': 'x',
  });
  const mounted = join(folder, 'login');
  symlinkSync('..2024', join(mounted, '..data'));
  symlinkSync('..data/username', join(mounted, 'username'));
  symlinkSync('..data/password', join(mounted, 'password'));
  const problems: Problem[] = [];
  const found = await readMounted(folder, problems);
  t.same(problems, []);
  t.same([...found.keys()], ['login']);
  t.same(
    [...(found.get('login') ?? [])],
    [
      ['password', false],
      ['username', true],
    ],
  );
});

t.test('a folder of secrets that is not there is an error', async (t) => {
  const problems: Problem[] = [];
  const folder = join(t.testdir({ file: 'x' }), 'missing');
  t.equal((await readMounted(folder, problems)).size, 0);
  t.same(
    problems.map(({ severity, file, message }) => [severity, file, message]),
    [['error', folder, 'does not exist']],
  );
});
