import t from 'tap';
import type { OperatingError } from '../../src/base/errors.js';
import { deadLetterFolder } from '../../src/dead-letter/folders.js';
import type { DeadLetter } from '../../src/dead-letter/letter.js';
import {
  findLetters,
  openLetter,
  readWholePayload,
  summarize,
} from '../../src/dead-letter/reader.js';
import { type DeadLetterStore, openDeadLetterStore } from '../../src/dead-letter/store.js';
import { bytesOf, sampleLetter } from '../support/dead-letters.js';
import { fault, MemoryDisk, type Step } from '../support/memory-disk.js';

const folder = deadLetterFolder('/data', 'my-connector');

interface Limits {
  readonly maxBytes?: number;
  readonly maxLetters?: number;
  readonly routes?: readonly string[];
}

function openStore(disk: MemoryDisk, limits: Limits = {}) {
  return openDeadLetterStore({ folder, maxBytes: 1e6, maxLetters: 100, ...limits, disk });
}

async function summaries(disk: MemoryDisk) {
  const refs = await findLetters(disk, '/data');
  return Promise.all(refs.map((ref) => summarize(disk, ref)));
}

async function onlyLetter(disk: MemoryDisk): Promise<DeadLetter> {
  const [ref, ...others] = await findLetters(disk, '/data');
  if (ref === undefined || others.length > 0) throw new Error('expected exactly one letter');
  const letter = await openLetter(disk, ref);
  const payload = await readWholePayload(letter);
  await letter.close();
  return { ...letter.meta, payload } as DeadLetter;
}

const failing = (wanted: Step, code: string) => (step: Step) => {
  if (step === wanted) throw fault(code);
};

t.test('a letter is read back as it was put', async (t) => {
  const disk = new MemoryDisk();
  const store = await openStore(disk);
  const letter = sampleLetter();
  const id = await store.put(letter);
  t.same(await onlyLetter(disk), letter);
  t.same(disk.names(folder), [`${id}.letter`]);
});

t.test('a letter without route, record, key and headers is read back too', async (t) => {
  for (const letter of [
    sampleLetter({ route: undefined, kafka: undefined, mqtt: undefined }),
    sampleLetter({
      payload: new Uint8Array(),
      mqtt: { topic: 't', qos: 0, retain: true, packetId: undefined },
      kafka: { topic: 'k', partition: 3, key: null, headers: [], acks: 'all' },
    }),
    sampleLetter({
      kafka: { topic: 'k', partition: 0, key: new Uint8Array(), headers: [], acks: 'zero' },
    }),
  ]) {
    const disk = new MemoryDisk();
    await (await openStore(disk)).put(letter);
    t.same(await onlyLetter(disk), letter);
  }
});

t.test('a payload of many slices in shared memory is written from where it lies', async (t) => {
  const disk = new MemoryDisk();
  const store = await openStore(disk, { maxBytes: 1e7 });
  const payload = new Uint8Array(new SharedArrayBuffer(2_500_000), 100, 2_400_000);
  payload.forEach((_, index) => {
    payload[index] = index % 251;
  });
  await store.put(sampleLetter({ payload }));
  t.ok(Buffer.from((await onlyLetter(disk)).payload).equals(payload));
  t.ok(disk.steps.filter((step) => step === 'write').length > 3, 'in more than one write');
});

t.test('short writes are continued', async (t) => {
  const disk = new MemoryDisk();
  disk.taken = (bytes) => Math.min(bytes, 7);
  await (await openStore(disk)).put(sampleLetter());
  t.same(await onlyLetter(disk), sampleLetter());
});

t.test('a disk that takes no bytes is an error and no endless loop', async (t) => {
  const disk = new MemoryDisk();
  const store = await openStore(disk);
  disk.taken = () => 0;
  await t.rejects(store.put(sampleLetter()), { code: 'ERR_DEAD_LETTER_IO' });
});

t.test('whatever step fails, put rejects, leaves nothing behind and frees its room', async (t) => {
  for (const step of ['create', 'write', 'sync', 'close', 'rename', 'syncFolder'] as const) {
    for (const code of ['ENOSPC', 'EIO']) {
      const disk = new MemoryDisk();
      const store = await openStore(disk);
      disk.onStep = failing(step, code);
      await t.rejects(
        store.put(sampleLetter()),
        { code: 'ERR_DEAD_LETTER_IO', cause: { code } },
        step,
      );
      t.same(disk.names(folder), [], `${step} ${code}: nothing is left`);
      t.same([store.letters, store.bytes], [0, 0]);
      disk.onStep = () => {};
      await store.put(sampleLetter());
      t.same(await onlyLetter(disk), sampleLetter(), 'the next attempt succeeds');
    }
  }
});

t.test('what cannot even be removed keeps its room until the next open', async (t) => {
  const disk = new MemoryDisk();
  const store = await openStore(disk, { maxBytes: 1e7 });
  let writes = 0;
  disk.onStep = (step) => {
    if (step === 'write') writes += 1;
    if (writes === 3) throw fault('ENOSPC');
  };
  const payload = new Uint8Array(3_000_000);
  const put = store.put(sampleLetter({ payload }));
  await t.rejects(put, { code: 'ERR_DEAD_LETTER_IO' });
  disk.onStep = () => {};
  t.equal(store.letters, 1, 'a file that could not even be removed keeps its room');
  const again = await openStore(disk);
  t.same([again.letters, again.bytes, disk.names(folder)], [0, 0, []], 'until the next open');
});

t.test('after a power cut at any step, a letter that was confirmed is whole', async (t) => {
  const clean = new MemoryDisk();
  await (await openStore(clean)).put(sampleLetter());
  for (let cutAt = 0; cutAt <= clean.steps.length; cutAt += 1) {
    const disk = new MemoryDisk();
    disk.onStep = (_step, index) => {
      if (index >= cutAt) throw fault('EIO');
    };
    const confirmed = await openStore(disk)
      .then((store) => store.put(sampleLetter()))
      .then(
        () => true,
        () => false,
      );
    t.equal(confirmed, cutAt === clean.steps.length);
    for (const kept of ['synced', 'everything'] as const) {
      const after = disk.crashed(kept);
      const store = await openStore(after);
      const letters = await summaries(after);
      if (confirmed) t.equal(letters.length, 1, `${kept}: the confirmed letter is there`);
      t.ok(
        letters.every((letter) => letter?.state === 'whole'),
        `cut at ${cutAt}, ${kept}: nothing torn passes for a letter`,
      );
      t.equal(after.names(folder).length, letters.length, 'and nothing else is left');
      t.equal(store.letters, letters.length);
    }
  }
});

t.test('half-written files of an earlier run are removed at open, others are left', async (t) => {
  const disk = new MemoryDisk();
  await disk.makeFolder(folder);
  disk.plant(`${folder}/00001700000000000-000000-00000000.part`, bytesOf('half'));
  disk.plant(`${folder}/notes.txt`, bytesOf('of the operator'));
  await openStore(disk);
  t.same(disk.names(folder), ['notes.txt']);
});

t.test('letters and bytes are counted again at open', async (t) => {
  const disk = new MemoryDisk();
  const first = await openStore(disk);
  await first.put(sampleLetter());
  await first.put(sampleLetter({ payload: new Uint8Array(1_000) }));
  const second = await openStore(disk);
  t.equal(second.letters, 2);
  t.equal(second.bytes, first.bytes);
  const total = disk.names(folder).map((name) => disk.contents(`${folder}/${name}`).byteLength);
  t.equal(
    second.bytes,
    total.reduce((sum, bytes) => sum + bytes),
  );
});

t.test('a store that is full refuses, by letters and by bytes', async (t) => {
  const byLetters = await openStore(new MemoryDisk(), { maxLetters: 2 });
  await byLetters.put(sampleLetter());
  await byLetters.put(sampleLetter());
  await t.rejects(byLetters.put(sampleLetter()), { code: 'ERR_DEAD_LETTER_FULL' });
  const byBytes = await openStore(new MemoryDisk(), { maxBytes: 2_000 });
  await byBytes.put(sampleLetter({ payload: new Uint8Array(1_000) }));
  const large = sampleLetter({ payload: new Uint8Array(1_000) });
  await t.rejects(byBytes.put(large), { code: 'ERR_DEAD_LETTER_FULL' });
  await byBytes.put(sampleLetter({ payload: new Uint8Array(10) }));
});

/** Puts letters of one route until the store refuses; returns how many. */
async function fill(store: DeadLetterStore, letter: Partial<DeadLetter>): Promise<number> {
  for (let n = 0; ; n += 1) {
    try {
      await store.put(sampleLetter(letter));
    } catch (error) {
      if ((error as OperatingError).code !== 'ERR_DEAD_LETTER_FULL') throw error;
      return n;
    }
  }
}

t.test('one of several routes cannot take the room of the others, by letters', async (t) => {
  const disk = new MemoryDisk();
  const limits = { maxLetters: 60, routes: ['bad', 'good'] };
  const store = await openStore(disk, limits);
  // A sixth is its own, and half of the common half.
  t.equal(await fill(store, { route: 'bad' }), 25);
  await t.rejects(store.put(sampleLetter({ route: 'bad' })), {
    code: 'ERR_DEAD_LETTER_FULL',
    message: /the route has its share of it, what is free is for the others; replay or remove/,
  });
  const next = await openStore(disk, limits);
  t.equal(await fill(next, { route: 'bad' }), 0, 'nor after a restart');
  t.ok((await fill(next, { route: undefined })) >= 10);
  t.ok((await fill(next, { route: 'good' })) >= 10);
  for (const name of disk.names(folder).slice(0, 25)) await disk.remove(`${folder}/${name}`);
  t.ok((await fill(next, { route: 'bad' })) >= 10, 'room that somebody made is found');
});

t.test('one of several routes cannot take the room of the others, by bytes', async (t) => {
  const store = await openStore(new MemoryDisk(), { maxBytes: 60_000, routes: ['bad', 'good'] });
  await fill(store, { route: 'bad', payload: new Uint8Array(1_000) });
  t.ok(store.bytes <= 25_000);
  t.ok((await fill(store, { route: 'good', payload: new Uint8Array(1_000) })) >= 7);
});

t.test('letters of a stream take room for what was written only', async (t) => {
  const store = await openStore(new MemoryDisk(), { maxBytes: 60_000, routes: ['bad', 'good'] });
  for (let n = 0; n < 10; n += 1) {
    const { payload, ...meta } = sampleLetter({ route: 'bad' });
    const stream = await store.begin(meta, 20_000);
    await stream.write(payload);
    await stream.commit();
  }
  t.equal(store.letters, 10);
});

t.test('a single route has all the room, letters without a route too', async (t) => {
  const store = await openStore(new MemoryDisk(), { maxLetters: 10, routes: ['only'] });
  t.equal(await fill(store, { route: undefined }), 10);
  const other = await openStore(new MemoryDisk(), { maxLetters: 10, routes: ['only'] });
  t.equal(await fill(other, { route: 'only' }), 10);
});

t.test('puts that run together do not exceed the bound together', async (t) => {
  const store = await openStore(new MemoryDisk(), { maxLetters: 5 });
  const puts = Array.from({ length: 20 }, () => store.put(sampleLetter()));
  const settled = await Promise.allSettled(puts);
  t.equal(settled.filter(({ status }) => status === 'fulfilled').length, 5);
  t.equal(store.letters, 5);
});

t.test('room that somebody else made is found when the store is full', async (t) => {
  const disk = new MemoryDisk();
  const store = await openStore(disk, { maxLetters: 1 });
  const id = await store.put(sampleLetter());
  await disk.remove(`${folder}/${id}.letter`);
  await store.put(sampleLetter());
  t.equal(store.letters, 1);
});

t.test('at most four letters are written at once', async (t) => {
  const disk = new MemoryDisk();
  const store = await openStore(disk);
  let open = 0;
  let most = 0;
  disk.onStep = (step) => {
    if (step === 'create') open += 1;
    if (step === 'close') open -= 1;
    most = Math.max(most, open);
  };
  await Promise.all(Array.from({ length: 30 }, () => store.put(sampleLetter())));
  t.equal(most, 4);
  t.equal(store.letters, 30);
});

t.test('a failure does not block the letters that wait for their turn', async (t) => {
  const disk = new MemoryDisk();
  const store = await openStore(disk);
  let creates = 0;
  disk.onStep = (step) => {
    if (step === 'create') creates += 1;
    if (step === 'create' && creates <= 6) throw fault('EIO');
  };
  const puts = Array.from({ length: 12 }, () => store.put(sampleLetter()));
  const settled = await Promise.allSettled(puts);
  t.equal(settled.filter(({ status }) => status === 'fulfilled').length, 6);
});

t.test('identifiers sort in the order of put, also when the clock goes back', async (t) => {
  const disk = new MemoryDisk();
  const store = await openStore(disk);
  const ids = [await store.put(sampleLetter({ timeMs: 5_000 }))];
  ids.push(await store.put(sampleLetter({ timeMs: 5_000 })));
  ids.push(await store.put(sampleLetter({ timeMs: 3_000 })));
  const restarted = await openStore(disk);
  ids.push(await restarted.put(sampleLetter({ timeMs: 4_000 })));
  ids.push(await restarted.put(sampleLetter({ timeMs: 6_000 })));
  t.same([...ids].sort(), ids);
  t.equal(new Set(ids).size, ids.length);
});

t.test('no name from the wire or the configuration leads out of the data folder', async (t) => {
  for (const connector of ['..', '.', '../../etc', 'a/b', 'a\0b', '', 'ü']) {
    const path = deadLetterFolder('/data', connector);
    t.match(path, /^\/data\/dead-letters\/[A-Za-z0-9_%][A-Za-z0-9._%-]*$/, connector);
  }
  t.equal(folder, '/data/dead-letters/my-connector');
  const disk = new MemoryDisk();
  const mqtt = { topic: '../../../etc/passwd', qos: 1, retain: false, packetId: 1 } as const;
  await (await openStore(disk)).put(sampleLetter({ mqtt }));
  t.match(disk.names(folder)[0], /^\d{14}-\d{6}-[0-9a-f]{8}\.letter$/);
});

t.test('close waits for what is being written and takes no more', async (t) => {
  const disk = new MemoryDisk();
  const store = await openStore(disk);
  const puts = Array.from({ length: 10 }, () => store.put(sampleLetter()));
  await store.close();
  t.equal((await summaries(disk)).length, 10);
  await Promise.all(puts);
  await t.rejects(store.put(sampleLetter()), { code: 'ERR_DEAD_LETTER_IO' });
});

t.test('a folder that cannot be made is an error with a code', async (t) => {
  const disk = new MemoryDisk();
  disk.onStep = failing('makeFolder', 'EACCES');
  await t.rejects(openStore(disk), { code: 'ERR_DEAD_LETTER_IO' });
});
