import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { openDoorbell, ringDoorbell } from '../../src/channel/doorbell.js';
import { FrameRing } from '../../src/channel/frame-ring.js';
import { createRingMemory } from '../../src/channel/ring-layout.js';
import { addon } from '../../src/kafka/addon.js';
import { frameOf } from './frames.js';
import { NativeShard, quickProducer } from './native-shard.js';
import type { ShardWorkerData } from './native-shard-worker.js';

/* A process of its own, with producers at work on its main thread and in two workers, that ends as its
 * argument says: `exit`, `throw` or `return`. */

const how = process.argv[2];
const cluster = new addon.MockCluster(1);
const properties = quickProducer(cluster.bootstrapServers);

async function startWorker(): Promise<Worker> {
  const data: ShardWorkerData = {
    frames: createRingMemory(1024 * 1024),
    settlements: createRingMemory(1024 * 1024),
    wakeFd: openDoorbell(),
    mainFd: openDoorbell(),
    properties,
    topic: 'end',
    mode: 'produce',
  };
  const worker = new Worker(new URL('./native-shard-worker.js', import.meta.url), {
    workerData: data,
  });
  await once(worker, 'message');
  fill(new FrameRing(data.frames, () => ringDoorbell(data.wakeFd)));
  return worker;
}

function fill(ring: FrameRing): void {
  const frame = frameOf({ payload: 'x'.repeat(300) });
  for (let offset = ring.reserve(frame.length); offset >= 0; offset = ring.reserve(frame.length)) {
    ring.bytes.set(frame, offset);
    ring.commit(frame.length);
  }
  ring.publish();
}

const workers = [await startWorker(), await startWorker()];
const shard = new NativeShard();
shard.open(properties, 'end');
fill(shard.ring);
shard.turn();
if (how === 'exit') process.exit(5);
if (how === 'throw') throw new Error('as asked');
for (const worker of workers) void worker.terminate();
shard.close();
cluster.close();
