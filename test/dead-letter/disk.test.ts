import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { nodeDisk } from '../../src/dead-letter/disk.js';
import { deadLetterFolder } from '../../src/dead-letter/folders.js';
import { findLetters, openLetter, readWholePayload } from '../../src/dead-letter/reader.js';
import { openDeadLetterStore } from '../../src/dead-letter/store.js';
import { sampleLetter } from '../support/dead-letters.js';

async function setUp(t: Test) {
  const dataDir = await mkdtemp(join(tmpdir(), 'millrace-dead-letters-'));
  t.teardown(() => rm(dataDir, { recursive: true, force: true }));
  const folder = deadLetterFolder(dataDir, 'my-connector');
  const open = () => openDeadLetterStore({ folder, maxBytes: 1e8, maxLetters: 100 });
  return { dataDir, folder, open };
}

t.test('on a real disk a letter is read back, for its owner only', async (t) => {
  const { dataDir, folder, open } = await setUp(t);
  const payload = new Uint8Array(new SharedArrayBuffer(3_000_000)).fill(7);
  const id = await (await open()).put(sampleLetter({ payload }));
  const [ref] = await findLetters(nodeDisk, dataDir);
  if (ref === undefined) throw new Error('no letter');
  t.equal(ref.id, id);
  const letter = await openLetter(nodeDisk, ref);
  t.ok(Buffer.from(await readWholePayload(letter)).equals(payload));
  await letter.close();
  t.equal((await stat(ref.path)).mode & 0o777, 0o600);
  t.equal((await stat(folder)).mode & 0o777, 0o700);
  t.equal((await stat(join(dataDir, 'dead-letters'))).mode & 0o777, 0o700);
});

t.test('an existing folder is used and foreign files in it are left alone', async (t) => {
  const { dataDir, folder, open } = await setUp(t);
  await (await open()).put(sampleLetter());
  await writeFile(join(folder, 'x.part'), 'half');
  await writeFile(join(folder, 'notes.txt'), 'notes');
  const store = await open();
  t.equal(store.letters, 1);
  t.equal((await readdir(folder)).length, 2);
  t.equal((await findLetters(nodeDisk, dataDir)).length, 1);
});

t.test('a store that is open and empty has no letters', async (t) => {
  const { dataDir, open } = await setUp(t);
  await open();
  t.same(await findLetters(nodeDisk, dataDir), []);
});

t.test('a folder that no connector wrote to is told to be wrong, not to be empty', async (t) => {
  const { dataDir, folder, open } = await setUp(t);
  const wrong = async (path: string, message: RegExp) => {
    await t.rejects(findLetters(nodeDisk, path), { name: 'UsageError', message });
  };
  await wrong(dataDir, /has no folder dead-letters; give the --data-dir that `millrace run`/);
  await wrong(join(dataDir, 'missing'), /^there is no folder .*missing; give the --data-dir/);
  const id = await (await open()).put(sampleLetter());
  const above = new RegExp(`has no folder dead-letters; give the one above, ${dataDir}$`);
  await wrong(join(dataDir, 'dead-letters'), above);
  await wrong(folder, above);
  await wrong(join(folder, `${id}.letter`), /^there is no folder/);
  await wrong(join(folder, `${id}.letter`, 'inside'), /^there is no folder/);
});

t.test('a folder that is a file is an error with a code', async (t) => {
  const { dataDir, open } = await setUp(t);
  await writeFile(join(dataDir, 'dead-letters'), '');
  await t.rejects(open(), { code: 'ERR_DEAD_LETTER_IO' });
});
