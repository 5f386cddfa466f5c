import { Writable } from 'node:stream';
import t from 'tap';
import { BenchProgress, type ProgressStream } from '../../src/cli/bench-progress.js';

/** A stream that keeps what is written. */
function stream(isTTY: boolean) {
  const written: string[] = [];
  const writable = new Writable({
    write(chunk, _encoding, done) {
      written.push(chunk.toString());
      done();
    },
  });
  const target: ProgressStream = Object.assign(writable, { isTTY, columns: 80 });
  return { target, text: () => written.join('') };
}

t.test('a terminal shows round, phase, share and rate', async (t) => {
  const { target, text } = stream(true);
  const progress = new BenchProgress(target, 5);
  t.teardown(() => progress.stop());
  progress.update({ phase: 'measuring', share: 0.5, messagesPerSecond: 123_456 }, 2);
  t.match(text(), /round 2\/5 {2}measuring \[={15} {15}\] {2}50% {2}123,456 messages\/s/);
});

t.test('a line that stays is written without the bar', async (t) => {
  const { target, text } = stream(true);
  const progress = new BenchProgress(target, 1);
  t.teardown(() => progress.stop());
  progress.update({ phase: 'warm-up', share: 0, messagesPerSecond: undefined }, 1);
  const before = text().length;
  progress.print('round 1: done');
  const after = text().slice(before);
  t.ok(after.endsWith('\u001b[2Kround 1: done\n'), 'the line of the bar is cleared first');
  t.notMatch(after, /warm-up/);
});

t.test('what is no terminal gets the lines and nothing else', async (t) => {
  const { target, text } = stream(false);
  const progress = new BenchProgress(target, 1);
  progress.update({ phase: 'measuring', share: 0.5, messagesPerSecond: 1 }, 1);
  progress.print('round 1: done');
  progress.stop();
  t.equal(text(), 'round 1: done\n');
});
