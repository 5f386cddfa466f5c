import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import t, { type Test } from 'tap';
import { ARC_TOKENS_FOLDER } from '../../src/identity/azure-arc.js';
import { playArc, startEndPoint } from '../support/azure-end-points.js';
import { mountArc, openSourceIn } from '../support/azure-process.js';
import { ManualClock } from '../support/manual-clock.js';

/* Azure Arc's agent asks for proof that we may read its keys, and for nothing else. */

const AUDIENCE = 'https://hubs.servicebus.windows.net';
const KEY = 'planted-key';
const NEVER = new AbortController().signal;
const clock = new ManualClock();
const EXPIRES_AT_MS = clock.wallMs() + 3_600_000;
const issue = () => ({ value: 'abc', expiresAtMs: EXPIRES_AT_MS });

interface Agent {
  /** The name of the file in the folder of keys, or a path. */
  readonly keyFile?: string;
  /** What the agent takes for proof. */
  readonly key?: string;
  readonly challenge?: string;
}

/** Its keys are in a folder of the test, which the agent and everybody knows by its documented name. */
async function start(t: Test, { keyFile = 'a.key', key = KEY, challenge }: Agent = {}) {
  const mounted = t.testdir();
  const folder = join(mounted, 'tokens');
  await mkdir(folder);
  await writeFile(join(folder, 'a.key'), KEY);
  t.teardown(mountArc(mounted));
  const path = keyFile.startsWith('/') ? keyFile : `${ARC_TOKENS_FOLDER}/${keyFile}`;
  const play = playArc({ audience: AUDIENCE, issue, keyFile: path, key });
  const server = await startEndPoint(t, {
    answer: async (request) => {
      const answer = await play(request);
      const headers = challenge === undefined ? answer.headers : { 'www-authenticate': challenge };
      return { ...answer, ...(headers && { headers }) };
    },
  });
  const url = new URL('/metadata/identity/oauth2/token', server.url);
  const environment = { IDENTITY_ENDPOINT: `${url}`, IMDS_ENDPOINT: server.url };
  const source = openSourceIn({ audience: AUDIENCE, environment, clock });
  const place = `the end point of Azure Arc at ${url}, `;
  return { source, server, folder, path, place, file: join(folder, basename(path)) };
}

t.test('the challenge is answered with what the file holds', async (t) => {
  const { source, server } = await start(t);
  const { token } = await source.issue(NEVER);
  t.strictSame(token, { value: 'abc', expiresAtMs: EXPIRES_AT_MS, principal: 'managed-identity' });
  t.strictSame(
    server.requests.map(({ headers }) => headers.authorization),
    [undefined, `Basic ${KEY}`],
  );
});

t.test('a realm in quotes is the same', async (t) => {
  const { source, server } = await start(t);
  const answer = server.answer;
  server.answer = async (request) => {
    const { headers, ...rest } = await answer(request);
    if (headers === undefined) return rest;
    return { ...rest, headers: { 'www-authenticate': `Basic realm="${ARC_TOKENS_FOLDER}/a.key"` } };
  };
  t.equal((await source.issue(NEVER)).token.value, 'abc');
});

const ELSEWHERE = ['/etc/passwd', '/etc/a.key', '../a.key', 'sub/a.key', 'a.txt', 'x/../a.key'];
for (const keyFile of ELSEWHERE) {
  t.test(`${keyFile} is not read, whoever asks for it`, async (t) => {
    const { source, server, place } = await start(t, { keyFile });
    await t.rejects(source.issue(NEVER), {
      message: `${place}asks for a file that is not one of its keys, ${ARC_TOKENS_FOLDER}/NAME.key; nothing was read`,
    });
    t.equal(server.requests.length, 1);
  });
}

t.test('a link to another file is not followed', async (t) => {
  const { source, folder, place, path } = await start(t, { keyFile: 'link.key' });
  await writeFile(join(folder, '..', 'other'), 'planted-other');
  await symlink(join(folder, '..', 'other'), join(folder, 'link.key'));
  await t.rejects(source.issue(NEVER), {
    message: `${place}asks for ${path}, which cannot be read (ELOOP); is the agent well? azcmagent show`,
  });
});

t.test('a file that is missing, no file, or no key is said to be so', async (t) => {
  const missing = await start(t, { keyFile: 'b.key' });
  await t.rejects(missing.source.issue(NEVER), {
    message: `${missing.place}asks for ${missing.path}, which cannot be read (ENOENT); is the agent well? azcmagent show`,
  });
  for (const contents of ['', 'planted key', 'x'.repeat(4097)]) {
    const { source, place, path, file } = await start(t);
    await writeFile(file, contents);
    await t.rejects(source.issue(NEVER), {
      message: `${place}asks for ${path}, which holds no key; is the agent well? azcmagent show`,
    });
  }
  const folder = await start(t, { keyFile: 'folder.key' });
  await mkdir(folder.file);
  await t.rejects(folder.source.issue(NEVER), { message: /which cannot be read \(EISDIR\)/ });
});

t.test('another challenge is not answered', async (t) => {
  for (const challenge of ['Bearer realm=x', 'Basic', 'Basic realm=', 'Basic realm=a b']) {
    const { source, place } = await start(t, { challenge });
    await t.rejects(source.issue(NEVER), {
      message: `${place}asks for no proof that is known (HTTP 401 without Basic realm=FILE)`,
    });
  }
});

t.test('a proof that is refused is asked for once, and not repeated to people', async (t) => {
  const { source, server, place } = await start(t, { key: 'another' });
  const play = server.answer;
  server.answer = async (request) => ({
    ...(await play(request)),
    body: {
      error: 'unauthorized_client',
      error_description: `not ${request.headers.authorization}`,
    },
  });
  await t.rejects(source.issue(NEVER), {
    message: `${place}gives no token: HTTP 401, unauthorized_client, not Basic ...; its key may just have changed; else: azcmagent show`,
  });
  t.equal(server.requests.length, 2);
});
