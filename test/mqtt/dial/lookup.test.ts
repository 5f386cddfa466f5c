import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect } from 'node:net';
import t from 'tap';
import { lookupOnce, sharedLookup, WAITING_MAX } from '../../../src/mqtt/dial/lookup.js';
import { listenPeer } from '../../support/peer.js';

type Answer = (error: NodeJS.ErrnoException | null, addresses?: LookupAddress[]) => void;

/** A resolver that answers when the test says so. */
function hanging() {
  const asked: { readonly name: string; readonly answer: Answer }[] = [];
  const lookup = lookupOnce((name, _, answer) => asked.push({ name, answer }));
  return { asked, lookup };
}

const LOCAL = [{ address: '127.0.0.1', family: 4 }];

t.test('however often a name is dialled while its lookup hangs, there is one lookup', async (t) => {
  const { asked, lookup } = hanging();
  const found: unknown[] = [];
  for (let dial = 0; dial < 100; dial++) {
    lookup('kafka', { all: true }, (error, addresses) => found.push([error, addresses]));
  }
  lookup('other', { all: true }, () => {});
  t.strictSame(
    asked.map(({ name }) => name),
    ['kafka', 'other'],
  );
  asked[0]?.answer(null, LOCAL);
  t.strictSame(
    found,
    Array.from({ length: 100 }, () => [null, LOCAL]),
  );
  lookup('kafka', { all: true }, () => {});
  t.equal(asked.length, 3, 'what was found is not kept');
});

t.test('who waits for a lookup that never ends is bounded', async (t) => {
  const { asked, lookup } = hanging();
  let answers = 0;
  for (let dial = 0; dial < 2 * WAITING_MAX; dial++) lookup('kafka', {}, () => answers++);
  asked[0]?.answer(null, LOCAL);
  t.equal(answers, WAITING_MAX);
});

t.test('an error is told to all, and one address to who wants one', async (t) => {
  const { asked, lookup } = hanging();
  const found: unknown[] = [];
  lookup('kafka', {}, (...answer) => found.push(answer));
  asked[0]?.answer(null, LOCAL);
  const error = Object.assign(new Error('no such name'), { code: 'ENOTFOUND' });
  lookup('kafka', { all: true }, (told) => found.push(told));
  asked[1]?.answer(error);
  t.strictSame(found, [[null, '127.0.0.1', 4], error]);
});

t.test('a socket connects by it', async (t) => {
  const { asked, lookup } = hanging();
  const { port, accepted } = await listenPeer(t, 'tcp');
  const given = connect({ host: 'broker', port, lookup });
  given.destroy();
  const socket = connect({ host: 'broker', port, lookup });
  t.equal(asked.length, 1);
  asked[0]?.answer(null, LOCAL);
  await accepted;
  t.ok(given.destroyed);
  socket.destroy();
});

t.test('a name that nobody knows is an error of the socket, and of nobody else', async (t) => {
  const socket = connect({ host: 'nobody.invalid', port: 1, lookup: sharedLookup });
  const [error] = await once(socket, 'error');
  t.match(error, { syscall: 'getaddrinfo', hostname: 'nobody.invalid' });
});
