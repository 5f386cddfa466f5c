import t from 'tap';
import { principalOf } from '../../src/identity/principal.js';
import { unsecuredJwt } from '../support/azure-end-points.js';

t.test('a token is for the object that it names, else for the application', async (t) => {
  t.equal(principalOf(unsecuredJwt({ oid: 'object-1', sub: 'subject', appid: 'app' })), 'object-1');
  t.equal(principalOf(unsecuredJwt({ sub: 'subject', appid: 'app' })), 'subject');
  t.equal(principalOf(unsecuredJwt({ appid: 'app' })), 'app');
  t.equal(principalOf(unsecuredJwt({ azp: 'app-of-v2' })), 'app-of-v2');
});

t.test('a claim that cannot be shown in a log is passed over', async (t) => {
  for (const oid of [7, null, ['a'], '', 'a b', 'a\nb', 'a'.repeat(129), '\u0000']) {
    t.equal(principalOf(unsecuredJwt({ oid, sub: 'subject' })), 'subject', JSON.stringify(oid));
  }
});

t.test('a token that is no JWT has no name', async (t) => {
  const payloads = ['null', '[]', '7', '{', ''].map((text) =>
    Buffer.from(text).toString('base64url'),
  );
  for (const token of ['opaque', '..', ...payloads.map((payload) => `e30.${payload}.`)]) {
    t.equal(principalOf(token), 'managed-identity', token);
  }
});
