import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import {
  closeDoorbell,
  listenToDoorbell,
  openDoorbell,
  ringDoorbell,
} from '../../src/channel/doorbell.js';
import { FrameRing } from '../../src/channel/frame-ring.js';
import { createRingMemory } from '../../src/channel/ring-layout.js';
import { addon } from '../../src/kafka/addon.js';
import { frameOf } from '../support/frames.js';
import { readRecords } from '../support/kafka-records.js';
import { NativeShard, quickProducer } from '../support/native-shard.js';
import type { ShardWorkerData } from '../support/native-shard-worker.js';
import { until } from '../support/until.js';

const WORKER = new URL('../support/native-shard-worker.js', import.meta.url);

const cluster = new addon.MockCluster(1);
t.teardown(() => cluster.close());

interface Member {
  readonly worker: Worker;
  readonly ring: FrameRing;
  readonly data: ShardWorkerData;
  /** Its exit code; undefined while it runs. */
  readonly code: () => number | undefined;
}

/** A worker with a shard of its own, producing to `topic`. */
async function start(topic: string, more: Partial<ShardWorkerData> = {}): Promise<Member> {
  const data: ShardWorkerData = {
    frames: createRingMemory(1024 * 1024),
    settlements: createRingMemory(1024 * 1024),
    wakeFd: openDoorbell(),
    mainFd: openDoorbell(),
    properties: quickProducer(cluster.bootstrapServers),
    topic,
    mode: 'produce',
    ...more,
  };
  const worker = new Worker(WORKER, { workerData: data });
  let code: number | undefined;
  worker.once('exit', (exitCode) => {
    code = exitCode;
  });
  await once(worker, 'message');
  const ring = new FrameRing(data.frames, () => ringDoorbell(data.wakeFd));
  return { worker, ring, data, code: () => code };
}

function close({ data }: Member): void {
  closeDoorbell(data.wakeFd);
  closeDoorbell(data.mainFd);
}

function write(ring: FrameRing, frame: Uint8Array): boolean {
  const offset = ring.reserve(frame.byteLength);
  if (offset < 0) return false;
  ring.bytes.set(frame, offset);
  ring.commit(frame.byteLength);
  return true;
}

function fill(ring: FrameRing, payload: string): number {
  let count = 0;
  while (write(ring, frameOf({ deliveryId: count, payload }))) count++;
  ring.publish();
  return count;
}

t.test('several workers load the addon at once and each produces', async (t) => {
  cluster.createTopic('together', 1);
  const members = await Promise.all(Array.from({ length: 4 }, () => start('together')));
  for (const [i, { ring }] of members.entries()) {
    for (let n = 0; n < 50; n++) write(ring, frameOf({ deliveryId: n, payload: `${i}:${n}` }));
    ring.publish();
  }
  const ends = members.map(async ({ worker }) => {
    worker.postMessage({ endAfter: 50 });
    return (await once(worker, 'exit'))[0];
  });
  t.same(await Promise.all(ends), [0, 0, 0, 0]);
  t.equal((await readRecords(cluster.bootstrapServers, 'together')).length, 200);
  members.forEach(close);
});

t.test('a worker that is terminated while it produces leaves the process whole', async (t) => {
  cluster.createTopic('terminated', 1);
  for (let round = 0; round < 8; round++) {
    const member = await start('terminated');
    fill(member.ring, 'x'.repeat(500));
    // Terminated with records in its ring, in librdkafka, and on their way back.
    await once(member.worker, 'message');
    await member.worker.terminate();
    close(member);
  }
  const shard = new NativeShard();
  t.teardown(() => shard.close());
  shard.open(quickProducer(cluster.bootstrapServers), 'terminated');
  await shard.send({ deliveryId: 1 });
  await shard.settle(1);
  t.equal(shard.settled.length, 1, 'the process goes on');
});

t.test('the rings of a terminated worker serve the next one', async (t) => {
  cluster.createTopic('again', 1);
  const first = await start('again');
  fill(first.ring, 'first');
  await once(first.worker, 'message');
  await first.worker.terminate();
  new Uint8Array(first.data.frames).fill(0);
  new Uint8Array(first.data.settlements).fill(0);
  const second = await start('again', first.data);
  write(second.ring, frameOf({ deliveryId: 1, payload: 'second' }));
  second.ring.publish();
  second.worker.postMessage({ endAfter: 1 });
  t.equal((await once(second.worker, 'exit'))[0], 0);
  const records = await readRecords(cluster.bootstrapServers, 'again');
  t.equal(records.at(-1)?.value?.toString(), 'second');
  close(second);
});

for (const mode of ['spin', 'objects'] as const) {
  t.test(`a worker is terminated in the middle of a call (${mode})`, async (t) => {
    cluster.createTopic(`middle-${mode}`, 1);
    for (let round = 0; round < 10; round++) {
      const member = await start(`middle-${mode}`, { mode });
      fill(member.ring, 'y');
      if (mode === 'spin') ringDoorbell(member.data.wakeFd);
      await once(member.worker, 'message');
      await member.worker.terminate();
      close(member);
    }
    t.pass('the process is there');
  });
}

t.test('a worker that calls process.exit takes its producers along', async (t) => {
  cluster.createTopic('exit', 1);
  const member = await start('exit', { mode: 'exit' });
  fill(member.ring, 'z');
  await until('the worker has ended', () => member.code() !== undefined);
  t.equal(member.code(), 7);
  close(member);
});

for (const how of ['exit', 'throw', 'return'] as const) {
  t.test(`a process that ends by ${how} with workers at work ends without a crash`, async (t) => {
    const program = fileURLToPath(new URL('../support/native-shard-process.js', import.meta.url));
    const child = spawn(process.execPath, [program, how], { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const [code, signal] = await once(child, 'exit');
    t.equal(signal, null, errors);
    t.equal(code, how === 'exit' ? 5 : how === 'throw' ? 1 : 0, errors);
  });
}

t.test('under garbage collection nothing that librdkafka reads is freed', async (t) => {
  cluster.createTopic('gc', 1);
  const member = await start('gc', { mode: 'gc' });
  const count = fill(member.ring, 'g'.repeat(100));
  member.worker.postMessage({ endAfter: count });
  t.equal((await once(member.worker, 'exit'))[0], 0);
  const records = await readRecords(cluster.bootstrapServers, 'gc');
  t.equal(records.length, count);
  t.ok(records.every(({ value }) => value?.toString() === 'g'.repeat(100)));
  close(member);
});

t.test('a doorbell runs its callback once for many rings, and again for later ones', async (t) => {
  const fd = openDoorbell();
  let rings = 0;
  const stop = listenToDoorbell(fd, () => {
    rings++;
  });
  for (let i = 0; i < 100; i++) ringDoorbell(fd);
  await until('the first ring', () => rings > 0);
  t.equal(rings, 1);
  ringDoorbell(fd);
  await until('the second ring', () => rings > 1);
  t.equal(rings, 2);
  stop();
  stop();
  ringDoorbell(fd);
  const other = openDoorbell();
  await new Promise<void>((resolve) => {
    const stopOther = listenToDoorbell(other, () => {
      stopOther();
      resolve();
    });
    ringDoorbell(other);
  });
  t.equal(rings, 2, 'nobody listens any more');
  closeDoorbell(other);
  closeDoorbell(fd);
});

t.test('what a doorbell’s callback throws is an uncaught exception of its thread', async (t) => {
  const member = await start('throws', { mode: 'throw' });
  const failed = once(member.worker, 'error');
  ringDoorbell(member.data.wakeFd);
  const [error] = await failed;
  t.match(error, { message: 'thrown in the callback' });
  await until('the worker has ended', () => member.code() !== undefined);
  t.equal(member.code(), 1);
  close(member);
});
