import t from 'tap';
import { AssertionError } from '../../src/base/assert.js';
import { deadLetterFolder } from '../../src/dead-letter/folders.js';
import { findLetters, openLetter, readWholePayload } from '../../src/dead-letter/reader.js';
import { openDeadLetterStore } from '../../src/dead-letter/store.js';
import { bytesOf, sampleLetter } from '../support/dead-letters.js';
import { fault, MemoryDisk } from '../support/memory-disk.js';

const folder = deadLetterFolder('/data', 'my-connector');
const { payload: _, ...meta } = sampleLetter({
  reason: { code: 'oversize', message: 'too large' },
});

async function setUp(limits: { maxBytes?: number; maxLetters?: number } = {}) {
  const disk = new MemoryDisk();
  const store = await openDeadLetterStore({
    folder,
    maxBytes: 10_000,
    maxLetters: 10,
    ...limits,
    disk,
  });
  return { disk, store };
}

t.test('chunks become one letter whose room is what was written', async (t) => {
  const { disk, store } = await setUp();
  const stream = await store.begin(meta, 5_000);
  t.ok(store.bytes > 5_000, 'the announced size is reserved meanwhile');
  for (const chunk of ['one ', '', 'two ', 'three']) await stream.write(bytesOf(chunk));
  t.same(await findLetters(disk, '/data'), [], 'no letter is there before the commit');
  await stream.commit();
  const [ref] = await findLetters(disk, '/data');
  if (ref === undefined) throw new Error('no letter');
  t.equal(ref.id, stream.id);
  const letter = await openLetter(disk, ref);
  t.same(letter.meta, meta);
  t.equal(Buffer.from(await readWholePayload(letter)).toString(), 'one two three');
  t.equal(store.bytes, disk.contents(ref.path).byteLength);
});

t.test('more than was announced is refused, and nothing of it stays', async (t) => {
  const { disk, store } = await setUp();
  const stream = await store.begin(meta, 10);
  await stream.write(new Uint8Array(8));
  await t.rejects(stream.write(new Uint8Array(3)), { code: 'ERR_DEAD_LETTER_IO' });
  await stream.abort();
  t.same(disk.names(folder), []);
  t.same([store.letters, store.bytes], [0, 0]);
});

t.test('a stream that finds no room is refused at its beginning', async (t) => {
  const { store } = await setUp();
  await t.rejects(store.begin(meta, 20_000), {
    code: 'ERR_DEAD_LETTER_FULL',
    message: /larger than the 10000 bytes it may hold/,
  });
});

t.test('after a disk error only abort is left, and it frees the room', async (t) => {
  const { disk, store } = await setUp();
  const stream = await store.begin(meta, 100);
  disk.onStep = (step) => {
    if (step === 'write') throw fault('ENOSPC');
  };
  await t.rejects(stream.write(bytesOf('x')), { code: 'ERR_DEAD_LETTER_IO' });
  disk.onStep = () => {};
  t.throws(() => stream.write(bytesOf('y')), AssertionError);
  t.throws(() => stream.commit(), AssertionError);
  await stream.abort();
  await stream.abort();
  t.same([disk.names(folder), store.letters, store.bytes], [[], 0, 0]);
});

t.test('an abort during a write waits for it and leaves nothing', async (t) => {
  const { disk, store } = await setUp();
  const stream = await store.begin(meta, 100);
  const write = stream.write(bytesOf('x'));
  await stream.abort();
  await write;
  t.same([disk.names(folder), store.letters], [[], 0]);
});

t.test('an abort during a commit that succeeds keeps the letter', async (t) => {
  const { disk, store } = await setUp();
  const stream = await store.begin(meta, 100);
  await stream.write(bytesOf('x'));
  const commit = stream.commit();
  await stream.abort();
  await commit;
  t.equal((await findLetters(disk, '/data')).length, 1);
  t.equal(store.letters, 1);
});

t.test('two writes at once are an error of the caller', async (t) => {
  const { store } = await setUp();
  const stream = await store.begin(meta, 100);
  const write = stream.write(bytesOf('x'));
  t.throws(() => stream.write(bytesOf('y')), AssertionError);
  await write;
});

t.test('a slow stream does not hold up other letters', async (t) => {
  const { store } = await setUp();
  for (let n = 0; n < 5; n += 1) await store.begin(meta, 100);
  await store.put(sampleLetter());
  t.equal(store.letters, 6);
});

t.test('closing the store gives up open streams', async (t) => {
  const { disk, store } = await setUp();
  const stream = await store.begin(meta, 100);
  await stream.write(bytesOf('x'));
  await store.close();
  t.same(disk.names(folder), []);
});
