/* The resident task of one worker: opens its side of the rings, runs the loop until main says close,
 * and only then returns. Piscina is its supervisor: src/shard/pool.ts.
 */
import { threadId } from 'node:worker_threads';
import { systemClock } from '../base/clock.js';
import { listenToDoorbell } from '../channel/doorbell.js';
import type { FromWorker, ShardTask, ToWorker } from '../channel/protocol.js';
import { addon } from '../kafka/addon.js';
import { ProduceLoop } from './produce-loop.js';

/** Runs until main closes the shard. Rejects, and so ends the worker, on a programmer's error. */
export async function runShard(task: ShardTask): Promise<void> {
  const { port } = task;
  const native = new addon.ShardProducers(
    new Uint8Array(task.frames),
    new Uint8Array(task.settlements),
    new Uint8Array(task.slab),
    task.wakeFd,
    task.mainFd,
  );
  const loop = new ProduceLoop({
    native,
    task,
    clock: systemClock,
    post: (message: FromWorker) => port.postMessage(message),
    errorName: addon.errorName,
  });
  const stopListening = listenToDoorbell(task.wakeFd, () => loop.turn());
  loop.start();
  port.postMessage({ kind: 'ready', threadId } satisfies FromWorker);
  await new Promise<void>((resolve) => {
    port.on('message', (message: ToWorker) => {
      if (message.kind === 'close') resolve();
    });
  });
  stopListening();
  loop.close();
  port.close();
}
