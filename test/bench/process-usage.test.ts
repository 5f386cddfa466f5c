import { Worker } from 'node:worker_threads';
import kafka from 'node-rdkafka';
import t from 'tap';
import { openKafka } from '../../src/bench/kafka-target.js';
import type { CpuUs } from '../../src/bench/process-usage.js';
import { cpuPerMessage, readCpu, readPeakRssBytes } from '../../src/bench/process-usage.js';

const elsewhere = { skip: process.platform === 'linux' ? false : '/proc is of Linux' };
const ABSENT_PID = 2 ** 22 + 1;

/** Reads until it is as `wanted`: what is waited for uses CPU all the while. */
async function readUntil(wanted: (cpu: CpuUs) => boolean): Promise<CpuUs> {
  for (;;) {
    const cpu = readCpu(process.pid);
    if (cpu !== undefined && wanted(cpu)) return cpu;
    await new Promise((resolve) => setImmediate(resolve));
  }
}

t.test("the parts of a process's CPU time add up to the whole", elsewhere, async (t) => {
  const cpu = await readUntil(({ main }) => main > 0);
  t.equal(cpu.main + cpu.workers + cpu.librdkafka + cpu.other, cpu.total);
});

t.test("a worker's CPU time counts as the workers'", elsewhere, async (t) => {
  const before = readCpu(process.pid);
  const worker = new Worker('for (;;);', { eval: true });
  t.teardown(() => worker.terminate());
  const after = await readUntil(({ workers }) => workers >= (before?.workers ?? 0) + 50_000);
  t.ok(after.total >= after.workers);
});

t.test("librdkafka's threads are told by their names", elsewhere, async (t) => {
  const target = await openKafka(undefined);
  t.teardown(() => target.close());
  const producer = new kafka.Producer({ 'metadata.broker.list': target.bootstrapServers });
  await new Promise<void>((resolve, reject) => {
    producer.connect({}, (error) => (error ? reject(error) : resolve()));
  });
  const payload = Buffer.alloc(1000);
  const cpu = await readUntil(({ librdkafka }) => {
    for (let n = 0; n < 20; n += 1) producer.produce('busy', null, payload);
    return librdkafka > 0;
  });
  t.ok(cpu.librdkafka > 0);
  await new Promise<void>((resolve) => producer.disconnect(() => resolve()));
});

t.test(
  'memory is at least what Node takes, and absent processes have none',
  elsewhere,
  async (t) => {
    t.ok((readPeakRssBytes(process.pid) ?? 0) >= process.memoryUsage.rss() / 2);
    t.equal(readPeakRssBytes(ABSENT_PID), undefined);
    t.equal(readCpu(ABSENT_PID), undefined);
  },
);

t.test('CPU time is shared out over the messages', async (t) => {
  const none = { total: 0, main: 0, workers: 0, librdkafka: 0, other: 0 };
  const start = { ...none, total: 100, main: 100 };
  const end = { ...none, total: 500, main: 300, librdkafka: 200 };
  t.same(cpuPerMessage(start, end, 100), { ...none, total: 4, main: 2, librdkafka: 2 });
  t.equal(cpuPerMessage(start, end, 0).total, 400, 'no message is no division by zero');
  const behind = { ...end, main: 320, other: -20 };
  t.match(cpuPerMessage(start, behind, 100), { total: 4, other: 0 }, 'threads are read later');
});
