import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import t from 'tap';
import { UsageError } from '../../src/base/errors.js';
import { seal, unseal } from '../../src/secrets/sealed.js';
import {
  type InlineObjects,
  readObject,
  type SecretSource,
} from '../../src/secrets/secret-source.js';
import { NO_SECRETS } from '../support/kafka-access.js';

function inline(secrets: Readonly<Record<string, Readonly<Record<string, string>>>>): SecretSource {
  const objects: InlineObjects = { Secret: secrets, ConfigMap: {} };
  return { ...NO_SECRETS, inline: seal(objects) };
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

t.test('what is sealed is in no JSON, and only unseal shows it', async (t) => {
  const sealed = seal({ password: 'hunter2-planted', more: [1, null] });
  t.equal(JSON.stringify({ sealed }), '{"sealed":{}}');
  t.notMatch(inspect({ sealed }, { depth: 9 }), /hunter2/);
  t.strictSame(unseal(structuredClone(sealed)), { password: 'hunter2-planted', more: [1, null] });
});

t.test('values are taken literally, line breaks and dollar signs too', async (t) => {
  const source = inline({ s: { username: base64('$ConnectionString'), password: base64('a\n') } });
  t.strictSame(
    [...(await readObject(source, 'Secret', 's'))],
    [
      ['username', '$ConnectionString'],
      ['password', 'a\n'],
    ],
  );
});

t.test('a folder is read anew each time, all keys as of one version', async (t) => {
  const secretsDir = t.testdir({ login: { '..1': { username: 'u', password: 'one' } } });
  const mounted = join(secretsDir, 'login');
  symlinkSync('..1', join(mounted, '..data'));
  for (const key of ['username', 'password']) symlinkSync(`..data/${key}`, join(mounted, key));
  const source = { ...NO_SECRETS, secretsDir };
  t.equal((await readObject(source, 'Secret', 'login')).get('password'), 'one');
  // As the kubelet does it.
  mkdirSync(join(mounted, '..2'));
  writeFileSync(join(mounted, '..2', 'username'), 'u');
  writeFileSync(join(mounted, '..2', 'password'), 'two');
  symlinkSync('..2', join(mounted, '..data_tmp'));
  renameSync(join(mounted, '..data_tmp'), join(mounted, '..data'));
  const found = await readObject(source, 'Secret', 'login');
  t.strictSame([...found].sort(), [
    ['password', 'two'],
    ['username', 'u'],
  ]);
});

t.test('a document wins over a folder, whatever its name', async (t) => {
  const secretsDir = t.testdir({ s: { password: 'folder' } });
  const source = { ...inline({ s: { password: base64('document') } }), secretsDir };
  t.equal((await readObject(source, 'Secret', 's')).get('password'), 'document');
  await t.rejects(readObject(source, 'Secret', 'constructor'), UsageError);
});

t.test('what is not there, or is no text, is named and not shown', async (t) => {
  const secretsDir = t.testdir({
    bad: { key: Buffer.from([0xff, 0xfe]) },
    nul: { key: 'hunter2\0' },
  });
  const source = { ...NO_SECRETS, secretsDir };
  const fault = async (kind: 'Secret' | 'ConfigMap', name: string, from: SecretSource = source) => {
    const error = await readObject(from, kind, name).catch((reason: unknown) => reason);
    t.type(error, UsageError);
    t.notMatch((error as Error).message, /hunter2/);
    return (error as Error).message;
  };
  t.match(await fault('Secret', 's'), `Secret s is not in ${secretsDir}; put the Secret beside`);
  t.match(await fault('ConfigMap', 'k'), /ConfigMap k is not here.*--config-maps-dir/);
  t.equal(await fault('Secret', 'bad'), 'Secret bad, key key is no text in UTF-8');
  t.equal(await fault('Secret', 'nul'), 'Secret nul, key key is no text in UTF-8');
});
