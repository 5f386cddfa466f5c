/* The resident task of one worker: opens its side of the rings, runs the loop until main says close,
 * and only then returns. Piscina is its supervisor: src/shard/pool.ts.
 */
import { type MessagePort, threadId } from 'node:worker_threads';
import { systemClock } from '../base/clock.js';
import { listenToDoorbell } from '../channel/doorbell.js';
import { startHeartbeat } from '../channel/heartbeat.js';
import type { CloseShard, FromWorker, ShardTask, ToWorker } from '../channel/protocol.js';
import { addon } from '../kafka/addon.js';
import { SecretsRemover } from '../kafka/without-secrets.js';
import { ConsumeLoops } from './consume-loops.js';
import { CredentialsChange } from './credentials-change.js';
import { LiveTask } from './live-task.js';
import { ProduceLoop } from './produce-loop.js';

/** Runs until main closes the shard. Rejects, and so ends the worker, on a programmer's error. */
export async function runShard(task: ShardTask): Promise<void> {
  const { port } = task;
  const stopHeartbeat = startHeartbeat(task.heartbeat, threadId, systemClock);
  const live = new LiveTask(task);
  const secrets = new SecretsRemover(task.kafkaCredentials);
  const post = (message: FromWorker) => port.postMessage(secrets.clean(message));
  const produceLoop = new ProduceLoop({
    native: new addon.ShardProducers(
      new Uint8Array(task.frames),
      new Uint8Array(task.settlements),
      new Uint8Array(task.slab),
      task.wakeFd,
      task.mainFd,
    ),
    task: live,
    clock: systemClock,
    post,
    errorName: addon.errorName,
  });
  const consumeLoops = new ConsumeLoops(live, {
    clock: systemClock,
    post,
    errorName: addon.errorName,
    onStatistics: (consumer, json) => produceLoop.onConsumerStatistics(consumer, json),
    onFault: (fault) => produceLoop.onFault(fault),
  });
  const change = new CredentialsChange({
    task: live,
    produceLoop,
    consumeLoops,
    clock: systemClock,
    post,
    hide: (sealed) => secrets.hide(sealed),
  });
  const stopListening = listenToDoorbell(task.wakeFd, () => {
    produceLoop.turn();
    consumeLoops.turn();
  });
  produceLoop.start();
  consumeLoops.start();
  post({ kind: 'ready', threadId });
  const { commits } = await closed(port, (message) => {
    if (message.kind === 'credentials') change.onMessage(message);
    else consumeLoops.onMessage(message);
  });
  await consumeLoops.close(commits);
  stopListening();
  change.close();
  produceLoop.close();
  stopHeartbeat();
  port.close();
}

/** Resolves with main's word to close; all else that it says goes to `onMessage`. */
function closed(
  port: MessagePort,
  onMessage: (message: Exclude<ToWorker, CloseShard>) => void,
): Promise<CloseShard> {
  return new Promise((resolve) => {
    port.on('message', (message: ToWorker) => {
      if (message.kind === 'close') resolve(message);
      else onMessage(message);
    });
  });
}
