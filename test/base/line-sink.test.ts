import t from 'tap';
import { LineSink } from '../../src/base/line-sink.js';

function failure(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(code), { code });
}

/** Takes `room` bytes, then fails with `error`. */
function setUp(bytesMax = 100) {
  const reader = { text: '', room: Number.MAX_SAFE_INTEGER, error: 'EAGAIN' };
  const due: (() => void)[] = [];
  const sink = new LineSink({
    write: (bytes) => {
      if (reader.room === 0) throw failure(reader.error);
      const taken = bytes.subarray(0, reader.room);
      reader.text += Buffer.from(taken).toString();
      reader.room -= taken.byteLength;
      return taken.byteLength;
    },
    bytesMax,
    later: (callback) => due.push(callback),
  });
  return { reader, sink, retry: () => due.shift()?.(), due };
}

t.test('lines are written at once', async (t) => {
  const { reader, sink } = setUp();
  sink.write('one\n');
  t.equal(reader.text, 'one\n');
  sink.write('two\n');
  t.equal(reader.text, 'one\ntwo\n');
});

t.test(
  'what a slow reader has no room for waits, in order, and lines beyond the limit are dropped',
  async (t) => {
    const { reader, sink, retry, due } = setUp(10);
    reader.room = 2;
    for (const line of ['one\n', 'two\n', 'three\n', '4\n']) sink.write(line);
    t.equal(reader.text, 'on');
    t.equal(due.length, 1);
    retry();
    t.equal(due.length, 1);
    reader.room = Number.MAX_SAFE_INTEGER;
    retry();
    t.equal(reader.text, 'one\ntwo\n4\n');
    t.equal(due.length, 0);
    sink.write('five\n');
    t.equal(reader.text, 'one\ntwo\n4\nfive\n');
  },
);

t.test('without a reader lines are dropped until there is one again', async (t) => {
  const { reader, sink, due } = setUp();
  Object.assign(reader, { room: 0, error: 'EPIPE' });
  for (let n = 0; n < 100; n += 1) sink.write('lost\n');
  reader.room = Number.MAX_SAFE_INTEGER;
  sink.write('one\n');
  t.equal(reader.text, 'one\n');
  t.equal(due.length, 0);
});

t.test('a line of which a part was written is not joined with the next', async (t) => {
  const { reader, sink } = setUp();
  Object.assign(reader, { room: 2, error: 'ENOSPC' });
  sink.write('lost\n');
  reader.room = Number.MAX_SAFE_INTEGER;
  sink.write('one\n');
  t.equal(reader.text, 'lo\none\n');
});
