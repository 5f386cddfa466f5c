import { crc32 } from 'node:zlib';
import t from 'tap';
import { deadLetterFolder } from '../../src/dead-letter/folders.js';
import { encodeHeader, encodeMeta, headerBytes } from '../../src/dead-letter/format.js';
import {
  findLetter,
  findLetters,
  openLetter,
  readWholePayload,
  summarize,
} from '../../src/dead-letter/reader.js';
import { openDeadLetterStore } from '../../src/dead-letter/store.js';
import { bytesOf, sampleLetter } from '../support/dead-letters.js';
import { MemoryDisk } from '../support/memory-disk.js';

const folder = deadLetterFolder('/data', 'my-connector');

async function setUp() {
  const disk = new MemoryDisk();
  const store = await openDeadLetterStore({ folder, maxBytes: 1e6, maxLetters: 100, disk });
  const id = await store.put(sampleLetter());
  const path = `${folder}/${id}.letter`;
  return { disk, store, ref: { id, path }, whole: disk.contents(path).slice() };
}

t.test('a file cut off at any byte is told to be damaged, never read as a letter', async (t) => {
  const { disk, ref, whole } = await setUp();
  for (let length = 0; length < whole.byteLength; length += 1) {
    disk.plant(ref.path, whole.subarray(0, length));
    const letter = await summarize(disk, ref);
    if (letter?.state !== 'damaged') t.fail(`cut to ${length} bytes`);
  }
  t.match(await summarize(disk, ref), { state: 'damaged', problem: /bytes long instead of/ });
});

t.test('a byte that was changed anywhere is noticed', async (t) => {
  const { disk, ref, whole } = await setUp();
  for (let position = 0; position < whole.byteLength; position += 1) {
    const changed = whole.slice();
    changed[position] = (changed[position] ?? 0) ^ 0x10;
    disk.plant(ref.path, changed);
    const read = openLetter(disk, ref).then(readWholePayload);
    if (
      await read.then(
        () => true,
        () => false,
      )
    )
      t.fail(`byte ${position}`);
  }
  await t.rejects(openLetter(disk, ref).then(readWholePayload), {
    code: 'ERR_DEAD_LETTER_DAMAGED',
    message: 'checksum of the payload is wrong',
  });
});

t.test('a file with bytes at its end, or an empty one, is damaged', async (t) => {
  const { disk, ref, whole } = await setUp();
  disk.plant(ref.path, Buffer.concat([whole, bytesOf('x')]));
  t.match(await summarize(disk, ref), { state: 'damaged' });
  disk.plant(ref.path, new Uint8Array());
  t.match(await summarize(disk, ref), { state: 'damaged', problem: 'shorter than its header' });
});

t.test('a letter under the name of another is damaged', async (t) => {
  const { disk, whole } = await setUp();
  const id = '00001700000000000-000000-deadbeef'.slice(3);
  const path = `${folder}/${id}.letter`;
  disk.plant(path, whole);
  t.match(await summarize(disk, { id, path }), {
    state: 'damaged',
    problem: 'the file has the name of another letter',
  });
});

t.test(
  'meta that holds something else than a letter is damaged, whatever its checksum',
  async (t) => {
    const { disk, ref } = await setUp();
    const wrong = [
      { direction: 'sideways' },
      { timeMs: 'noon' },
      { mqtt: { topic: 't', qos: 3, retain: false } },
      { kafka: { topic: 't', key: 'text', headers: [], acks: 'one' } },
      { kafka: { topic: 't', key: null, headers: [['one']], acks: 'one' } },
      { kafka: { topic: 't', key: null, headers: {}, acks: 'one' } },
    ];
    for (const changes of wrong) {
      const meta = encodeMeta(ref.id, { ...sampleLetter(), ...changes } as never);
      disk.plant(ref.path, Buffer.concat([headerOf(meta), meta]));
      t.match(await summarize(disk, ref), { state: 'damaged', problem: /unexpected/ });
    }
    const noise = bytesOf('\xc1\xc1\xc1');
    disk.plant(ref.path, Buffer.concat([headerOf(noise), noise]));
    t.match(await summarize(disk, ref), { state: 'damaged' });
  },
);

function headerOf(meta: Uint8Array): Uint8Array {
  const metaCrc = crc32(meta);
  return encodeHeader({ metaBytes: meta.byteLength, metaCrc, payloadBytes: 0, payloadCrc: 0 });
}

t.test('a reason that a later version has written is read', async (t) => {
  const { disk, ref } = await setUp();
  const reason = { code: 'ofTomorrow', message: 'm' };
  const meta = encodeMeta(ref.id, { ...sampleLetter(), reason } as never);
  disk.plant(ref.path, Buffer.concat([headerOf(meta), meta]));
  t.match(await summarize(disk, ref), { state: 'whole', meta: { reason } });
});

t.test('a summary does not read the payload', async (t) => {
  const { disk, store } = await setUp();
  const id = await store.put(sampleLetter({ payload: new Uint8Array(500_000) }));
  const path = `${folder}/${id}.letter`;
  disk.steps.length = 0;
  t.match(await summarize(disk, { id, path }), { state: 'whole', payloadBytes: 500_000 });
  t.equal(disk.steps.filter((step) => step === 'read').length, 2, 'header and meta');
  t.equal(headerBytes, 32);
});

t.test('a letter that has vanished has no summary', async (t) => {
  const { disk, ref } = await setUp();
  await disk.remove(ref.path);
  t.equal(await summarize(disk, ref), undefined);
});

t.test('letters of all connectors are found, oldest first', async (t) => {
  const { disk } = await setUp();
  const other = await openDeadLetterStore({
    folder: deadLetterFolder('/data', 'another'),
    maxBytes: 1e6,
    maxLetters: 100,
    disk,
  });
  await other.put(sampleLetter({ connector: 'another', timeMs: 1 }));
  await other.put(sampleLetter({ connector: 'another', timeMs: 1_800_000_000_000 }));
  const ids = (await findLetters(disk, '/data')).map(({ id }) => id);
  t.equal(ids.length, 3);
  t.same([...ids].sort(), ids);
});

t.test('what is no identifier is refused before the disk is touched', async (t) => {
  const { disk, ref } = await setUp();
  t.same(await findLetter(disk, '/data', ref.id), ref);
  disk.steps.length = 0;
  const wrong = ['..', '../my-connector', `../../${ref.id}`, `${ref.id}.letter`, '', `${ref.id}\0`];
  for (const id of wrong) {
    await t.rejects(findLetter(disk, '/data', id), { code: 'ERR_DEAD_LETTER_ID' });
  }
  t.same(disk.steps, []);
  await t.rejects(findLetter(disk, '/data', ref.id.replace(/.$/, 'x')), {
    code: 'ERR_DEAD_LETTER_ID',
  });
});
