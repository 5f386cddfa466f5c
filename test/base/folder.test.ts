import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { makeFolder } from '../../src/base/folder.js';

async function setUp(t: Test) {
  const root = await mkdtemp(join(tmpdir(), 'millrace-folder-'));
  t.teardown(() => rm(root, { recursive: true, force: true }));
  return root;
}

t.test('a folder is made with its parents, for its owner only, and may exist', async (t) => {
  const root = await setUp(t);
  for (let n = 0; n < 2; n += 1) await makeFolder(join(root, 'a', 'b', 'c'));
  for (const path of ['a', 'a/b', 'a/b/c']) {
    const found = await stat(join(root, path));
    t.ok(found.isDirectory(), path);
    t.equal(found.mode & 0o777, 0o700, path);
  }
});

t.test('where a file is in the way it fails', async (t) => {
  const root = await setUp(t);
  await writeFile(join(root, 'file'), '');
  await t.rejects(makeFolder(join(root, 'file')), { code: 'EEXIST' });
  await t.rejects(makeFolder(join(root, 'file', 'a')), { code: 'ENOTDIR' });
});

t.test(
  'where the file system has no folders to give it fails, and at once',
  { skip: process.platform !== 'linux' },
  async (t) => {
    // Node's own recursive mkdir never comes back from here. Users other than root get EACCES.
    await t.rejects(makeFolder('/proc/millrace/dead-letters'), { code: /^(ENOENT|EACCES)$/ });
  },
);
