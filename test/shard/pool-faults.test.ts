import { execFileSync } from 'node:child_process';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { addon } from '../../src/kafka/addon.js';
import { ManualClock } from '../support/manual-clock.js';
import { PoolUnderTest } from '../support/pool-under-test.js';
import { until } from '../support/until.js';
import { blockedBy, FAULTS, WorkerInspector } from '../support/worker-inspector.js';

const cluster = new addon.MockCluster(1);
const { bootstrapServers } = cluster;
t.teardown(() => cluster.close());

/** What takes seconds takes half of one, but for what is looked at every second. */
function hastened(delayMs: number, callback: () => void): () => void {
  return systemClock.after(delayMs > 1000 ? 500 : delayMs, callback);
}

t.test('a worker that throws or fills its heap is replaced, and its cause is told', async (t) => {
  const inspector = await WorkerInspector.open(t);
  const under = new PoolUnderTest(t, bootstrapServers, { workerHeapMbMax: 32 });
  await under.start();
  for (const [fault, cause] of [
    ['throw', /boom/],
    ['heap', /memory limit/],
  ] as const) {
    const { length } = under.lost;
    await inspector.run(under.threadId(), FAULTS[fault]);
    await under.losses(length + 1);
    t.match(under.lost.at(-1)?.error.message, cause);
    await under.ready();
  }
  t.strictSame(under.silent, []);
});

t.test(
  'a worker in an endless loop is told of, ended and replaced; the other is left alone',
  async (t) => {
    const inspector = await WorkerInspector.open(t);
    cluster.createTopic('loop', 1);
    const watchLimits = { silentLooks: 3, stuckLooks: 4, endLooks: 60 };
    const under = new PoolUnderTest(t, bootstrapServers, { shards: 2, watchLimits });
    await under.start();
    await inspector.run(under.threadId(0), FAULTS.loop);
    await under.losses(1);
    t.strictSame(under.silent, [3, 4, 0]);
    t.match(under.lost[0], {
      shard: { index: 0 },
      error: { message: 'its loop did not turn for 4 s, and it was ended' },
    });
    await under.ready();
    under.open(0, 'loop');
    under.send(0, 1);
    await under.ends(1);
    t.equal(under.shard(1).generation, 0);
    t.equal(under.hopeless.length, 0);
  },
);

t.test(
  'a worker that cannot be ended is told to be hopeless, and a close does not wait for it',
  async (t) => {
    const inspector = await WorkerInspector.open(t);
    const folder = t.testdir();
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const watchLimits = { silentLooks: 2, stuckLooks: 3, endLooks: 2 };
    const clock = { ...systemClock, after: hastened };
    const under = new PoolUnderTest({ teardown: () => {} }, bootstrapServers, {
      clock,
      watchLimits,
    });
    await under.start();
    await inspector.run(under.threadId(), blockedBy(pipe));
    await until('it is hopeless', () => under.hopeless.length > 0);
    t.match(under.hopeless, [
      { code: 'ERR_WORKER_STUCK', message: /shard 0 has been stuck for 5 s/ },
    ]);
    t.equal(under.lost.length, 0, 'what it has is its own');
    await under.pool.close();
    t.equal(under.lost.length, 0);
    // Lets it go, so that this process can end.
    openSync(pipe, 'r+');
  },
);

t.test('workers that die one after the other are not replaced for ever', async (t) => {
  const clock = new ManualClock();
  const under = new PoolUnderTest(t, bootstrapServers, { clock });
  await under.start();
  for (let death = 1; death <= 10; death++) {
    await under.pool.crash(0);
    await under.losses(death);
    t.equal(under.hopeless.length, death === 10 ? 1 : 0);
    clock.advance(10_000);
    if (death < 10) await under.ready();
  }
  t.match(under.hopeless, [
    { code: 'ERR_WORKER_CRASH_LOOP', message: /shard 0 died 10 times within 5 minutes/ },
  ]);
  clock.advance(600_000);
  t.notOk(under.shard().ready);
});
