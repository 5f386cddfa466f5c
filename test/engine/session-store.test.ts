import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { SessionStore } from '../../src/engine/session-store.js';

async function setUp(t: Test) {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-sessions-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const file = join(dataDir, 'sessions', 'my-connector-0.json');
  return { dataDir, file, open: () => SessionStore.open(dataDir, 'my-connector-0') };
}

t.test('filters that are set are there in the next run, and those of none are gone', async (t) => {
  const { open, file } = await setUp(t);
  const store = await open();
  t.same(store.clientIds, []);
  await Promise.all([
    store.set('constructor', ['a/#', '$share/g/b']),
    store.set('__proto__', ['c']),
    store.set('gone', ['d']),
    store.set('gone', []),
  ]);
  const next = await open();
  t.same(next.clientIds, ['constructor', '__proto__']);
  t.same(next.filters('constructor'), ['a/#', '$share/g/b']);
  t.same(next.filters('__proto__'), ['c']);
  t.same(next.filters('toString'), []);
  t.equal(await readFile(file, 'utf8'), '{"constructor":["a/#","$share/g/b"],"__proto__":["c"]}');
});

t.test('a file that holds anything else is an error that says what to do', async (t) => {
  const { open, dataDir, file } = await setUp(t);
  await mkdir(join(dataDir, 'sessions'));
  const long = 'x'.repeat(65_536);
  const damaged = ['', '{"c":["a', 'null', '5', '[]', '[["a"]]', '{"c":1}', '{"c":"a/#"}'];
  damaged.push('{"c":[5]}', '{"c":[null]}', '{"c":[""]}', '{"":["a"]}', '{"c":{"0":"a"}}');
  damaged.push(`{"c":["${long}"]}`, `{"${long}":["a"]}`);
  for (const text of damaged) {
    await writeFile(file, text);
    await t.rejects(
      open(),
      {
        name: 'OperatingError',
        code: 'ERR_SESSION_STORE',
        message: /my-connector-0\.json cannot be read: it is damaged: .*; remove it, /,
      },
      text.slice(0, 40),
    );
  }
});

t.test('a data folder that cannot be made is an error', async (t) => {
  const { dataDir } = await setUp(t);
  await writeFile(join(dataDir, 'file'), '');
  await t.rejects(SessionStore.open(join(dataDir, 'file'), 'c'), {
    code: 'ERR_SESSION_STORE',
    message: /ENOTDIR/,
  });
});

t.test('what is on the disk already is not written again', async (t) => {
  const { open, file } = await setUp(t);
  const store = await open();
  await store.set('c', ['a', 'b']);
  const { ino } = await stat(file);
  const next = await open();
  // Nothing can be written there now: as on a disk that is full.
  await mkdir(`${file}.part`);
  await next.set('c', ['a', 'b']);
  t.equal((await stat(file)).ino, ino);
});

t.test(
  'what cannot be written is an error with its file, and the next attempt a new one',
  async (t) => {
    const { open, file } = await setUp(t);
    const store = await open();
    await mkdir(`${file}.part`);
    await t.rejects(store.set('c', ['a']), {
      ...{ name: 'OperatingError', code: 'ERR_SESSION_STORE' },
      message: /my-connector-0\.json cannot be written: EISDIR/,
    });
    await rm(`${file}.part`, { recursive: true });
    await store.set('c', ['a']);
    t.same((await open()).filters('c'), ['a']);
  },
);
