import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import t from 'tap';
import { readSystemCas, systemCaPlaces } from '../../src/secrets/system-cas.js';
import { CA_PEM } from '../support/certificates.js';
import { BROKER_CA_PEM } from '../support/server-certificates.js';

t.test('the first place that has certificates counts, and no other', async (t) => {
  const folder = t.testdir({ empty: {}, text: 'none', a: CA_PEM, b: BROKER_CA_PEM });
  const places = ['gone', 'empty', 'text', 'b', 'a'].map((name) => join(folder, name));
  t.equal(await readSystemCas({ named: undefined, places }), BROKER_CA_PEM);
});

t.test('a folder gives each of its certificates once', async (t) => {
  const folder = t.testdir({ 'a.pem': CA_PEM, 'b.pem': BROKER_CA_PEM, 'a.key': 'no', d: {} });
  await symlink('a.pem', join(folder, '0123abcd.0'));
  await symlink('gone.pem', join(folder, 'dangling.pem'));
  const found = await readSystemCas({ named: undefined, places: [folder] });
  t.equal(found.match(/BEGIN CERTIFICATE/g)?.length, 2);
});

t.test('what the environment names is the only place, the file before the folder', async (t) => {
  const named = (environment: NodeJS.ProcessEnv) => systemCaPlaces(environment).named;
  t.equal(named({ SSL_CERT_FILE: '/f', SSL_CERT_DIR: '/d' }), '/f');
  t.equal(named({ SSL_CERT_FILE: '', SSL_CERT_DIR: '/d' }), '/d');
  t.equal(named({}), undefined);
  const folder = t.testdir({ a: CA_PEM });
  await t.rejects(readSystemCas({ named: join(folder, 'gone'), places: [join(folder, 'a')] }), {
    name: 'UsageError',
  });
});

t.test('without any there is a remedy', async (t) => {
  await t.rejects(readSystemCas({ named: undefined, places: [] }), {
    name: 'UsageError',
    message:
      'this machine has no CA certificates, which TLS needs; install ca-certificates, or name a config map with the CA as tls.caConfigMap',
  });
});
