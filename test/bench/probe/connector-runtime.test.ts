import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { startProgram, stopProgram } from '../../../src/bench/children.js';
import { MILLRACE } from '../../../src/bench/connector-under-test.js';
import { BENCH_DEFAULTS } from '../../../src/bench/options.js';
import type { RuntimeReport } from '../../../src/bench/probe/connector-runtime.js';
import { runtimeOf, startProbe, stopProbe } from '../../../src/bench/probe/connector-runtime.js';
import type { ThreadUse } from '../../../src/bench/probe/protocol.js';
import { roundNames } from '../../../src/bench/round-names.js';

const PROBED = fileURLToPath(new URL('../../support/probed-main.js', import.meta.url));
const PROBE = new URL('../../../src/bench/probe/probe-main.js', import.meta.url).href;

const USE: ThreadUse = {
  seconds: 10,
  gcs: 4,
  gcMs: 100,
  allocatedBytes: 1000,
  loopDelay: { p50Ms: 1, p99Ms: 5, maxMs: 9 },
};

t.test('the threads are added up, and shared out over messages and time', async (t) => {
  const loopDelay = { ...USE.loopDelay, maxMs: 20 };
  const busy = { ...USE, gcMs: 300, allocatedBytes: 500, loopDelay };
  t.same(runtimeOf(USE, [USE, busy], 500), {
    gcs: 12,
    gcMs: 500,
    gcUsPerMessage: 1000,
    gcShare: { main: 0.01, workers: 0.02 },
    allocatedBytesPerMessage: { total: 5, main: 2, workers: 3 },
    loopDelay: { main: USE.loopDelay, workers: { p50Ms: 1, p99Ms: 5, maxMs: 20 } },
  });
  t.match(runtimeOf(USE, [], 0), { gcShare: { workers: 0 }, gcUsPerMessage: 100_000 });
});

t.test('a probe counts in the main thread and in workers, and lets its process end', async (t) => {
  const child = fork(PROBED, { execArgv: ['--import', PROBE] });
  t.teardown(() => child.kill('SIGKILL'));
  await once(child, 'message');
  startProbe(child);
  child.send('allocate');
  await once(child, 'message');
  const report = await stopProbe(child, 1000);
  // Each thread allocated 1 MB.
  t.ok((report?.allocatedBytesPerMessage.main ?? 0) >= 1000);
  t.ok((report?.allocatedBytesPerMessage.workers ?? 0) >= 1000);
  const exited = once(child, 'exit');
  child.send('end');
  t.same(await exited, [0, null], 'although the channel is open');
});

t.test('a connector that is probed stops as it always does', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-probe-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const nobody = '127.0.0.1:1';
  const names = roundNames(BENCH_DEFAULTS);
  const endpoints = { mqttEndpoint: nobody, bootstrapServers: nobody, ...names };
  const command = await MILLRACE.command({ ...BENCH_DEFAULTS, shards: 2 }, endpoints, folder);
  const program = await startProgram(command, { channel: true });
  t.teardown(() => program.child.kill('SIGKILL'));
  // It says where it listens.
  await once(program.child.stderr as NodeJS.ReadableStream, 'data');
  let report: RuntimeReport | undefined;
  const isPartOf = (bytes = 0) => bytes > 0;
  // Its workers may still be on their way.
  while (!isPartOf(report?.allocatedBytesPerMessage.workers)) {
    startProbe(program.child);
    report = await stopProbe(program.child, 1);
  }
  t.ok(isPartOf(report?.allocatedBytesPerMessage.main));
  await stopProgram(program, 60_000);
  t.equal(program.child.exitCode, 0);
});

t.test('of a program without a channel there is nothing to tell', async (t) => {
  const program = await startProgram([process.execPath, '-e', 'setInterval(() => {}, 1000)']);
  startProbe(program.child);
  t.equal(await stopProbe(program.child, 1), undefined);
  await stopProgram(program, 1000);
});
