import t from 'tap';
import { OperatingError } from '../../src/base/errors.js';
import type { DeadLetter } from '../../src/dead-letter/letter.js';
import { DeadLetterDesk, type LetterPieces } from '../../src/flow/dead-letter-desk.js';
import { OversizeLetter } from '../../src/flow/to-kafka/oversize-letter.js';
import { sampleLetter } from '../support/dead-letters.js';
import { ManualClock } from '../support/manual-clock.js';
import { nextTurn } from '../support/scripted-socket.js';

/** A store that is full until it is told otherwise. */
function setUp() {
  const clock = new ManualClock();
  const store = { full: true, begun: 0, put: 0 };
  const told: string[] = [];
  const pieces: LetterPieces = {
    id: 'letter',
    write: async (chunk) => void told.push(`write ${chunk.byteLength}`),
    commit: async () => void told.push('commit'),
    abort: async () => void told.push('abort'),
  };
  const ask = () => {
    if (store.full) throw new OperatingError('ERR_DEAD_LETTER_FULL', 'full');
  };
  const desk = new DeadLetterDesk(
    {
      put: async () => {
        store.put++;
        ask();
        return 'letter';
      },
      begin: async () => {
        store.begun++;
        ask();
        return pieces;
      },
    },
    clock,
    (_, detail) => told.push(`held: ${detail}`),
    () => told.push('released'),
  );
  return { clock, store, told, desk };
}

const letter: DeadLetter = sampleLetter();

t.test('a letter that comes piece by piece waits for room in a full store', async (t) => {
  const { clock, store, told, desk } = setUp();
  const ends: (string | undefined)[] = [];
  const sink = new OversizeLetter(desk.begin(letter, 10), (id) => ends.push(id));
  let written = false;
  const write = sink.write(Buffer.alloc(10)).then(() => {
    written = true;
  });
  await nextTurn();
  t.equal(desk.held, 1);
  for (let i = 0; i < 3; i++) {
    clock.advance(30_000);
    await nextTurn();
  }
  t.ok(store.begun > 2 && !written, 'it is tried again and again');
  store.full = false;
  clock.advance(30_000);
  await write;
  await sink.commit();
  t.strictSame(told, ['held: full', 'released', 'write 10', 'commit']);
  t.strictSame(ends, ['letter']);
  t.equal(desk.held, 0);
});

t.test('one that is given up while it waits is tried no more, and held no more', async (t) => {
  const { clock, store, told, desk } = setUp();
  const ends: (string | undefined)[] = [];
  const sink = new OversizeLetter(desk.begin(letter, 10), (id) => ends.push(id));
  const write = t.rejects(sink.write(Buffer.alloc(10)), { message: 'the letter was given up' });
  await nextTurn();
  sink.abort();
  await write;
  t.strictSame(ends, [undefined]);
  const { begun } = store;
  store.full = false;
  clock.advance(60_000);
  await nextTurn();
  t.equal(store.begun, begun);
  t.strictSame(told, ['held: full', 'released']);
  t.equal(desk.held, 0);
});

t.test('one that is given up while the store is at it leaves nothing there', async (t) => {
  const { store, told, desk } = setUp();
  store.full = false;
  const sink = new OversizeLetter(desk.begin(letter, 10), () => {});
  sink.abort();
  await nextTurn();
  t.strictSame(told, ['abort']);
});

t.test('a letter is stored once there is room, unless the desk is closed before', async (t) => {
  const { clock, store, told, desk } = setUp();
  const ids: string[] = [];
  desk.put(letter, (id) => ids.push(id));
  await nextTurn();
  t.equal(store.put, 1);
  store.full = false;
  clock.advance(500);
  await nextTurn();
  t.strictSame([told, ids], [['held: full', 'released'], ['letter']]);
  store.full = true;
  desk.put(letter, (id) => ids.push(id));
  await nextTurn();
  desk.close();
  store.full = false;
  clock.advance(60_000);
  await nextTurn();
  t.strictSame(ids, ['letter']);
});
