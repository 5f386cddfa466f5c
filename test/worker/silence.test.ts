import t from 'tap';
import type { FromWorker } from '../../src/channel/protocol.js';
import type { ProducerState } from '../../src/worker/producer-pool.js';
import { Silence } from '../../src/worker/silence.js';

/** By index: for how long the oldest record of a producer has waited. */
function watched(producers: readonly { lingerMs: number }[]) {
  const oldestMs = producers.map(() => 0);
  const posted: FromWorker[] = [];
  const states = producers.map(({ lingerMs }, index) => ({ index, settings: { lingerMs } }));
  const silence = new Silence({
    native: { oldestMs: (index) => oldestMs[index] ?? 0 },
    pool: {
      producers: states as unknown as Iterable<ProducerState>,
      indicesOf: ({ index }) => [index],
    },
    post: (message) => posted.push(message),
  });
  return { oldestMs, posted, silence };
}

const unanswered = (seconds: number, detail: string) => ({ kind: 'unanswered', seconds, detail });

t.test('a record of which Kafka says nothing for 30 s is told of, until it does', async (t) => {
  const { oldestMs, posted, silence } = watched([{ lingerMs: 0 }, { lingerMs: 0 }]);
  oldestMs[1] = 29_999;
  silence.onTick(true, '');
  t.strictSame(posted, []);
  oldestMs[1] = 30_900;
  silence.onTick(true, 'kafka:9092 does not answer');
  oldestMs[1] = 31_900;
  silence.onTick(true, '');
  oldestMs[1] = 12;
  silence.onTick(true, '');
  silence.onTick(true, '');
  t.strictSame(posted, [
    unanswered(30, 'kafka:9092 does not answer'),
    unanswered(31, ''),
    unanswered(0, ''),
  ]);
});

t.test('what lingers does not wait for Kafka', async (t) => {
  const { oldestMs, posted, silence } = watched([{ lingerMs: 60_000 }]);
  oldestMs[0] = 89_000;
  silence.onTick(true, '');
  t.strictSame(posted, []);
  oldestMs[0] = 90_000;
  silence.onTick(true, '');
  t.strictSame(posted, [unanswered(30, '')]);
});

t.test('without any connection that is what is told, and not this', async (t) => {
  const { oldestMs, posted, silence } = watched([{ lingerMs: 0 }]);
  oldestMs[0] = 100_000;
  silence.onTick(false, 'nobody listens');
  t.strictSame(posted, []);
  silence.onTick(true, '');
  silence.onTick(false, 'nobody listens');
  t.strictSame(posted, [unanswered(100, ''), unanswered(0, '')]);
});
