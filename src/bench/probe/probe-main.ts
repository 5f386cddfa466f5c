/* Runs inside the connector under test: `node --import probe-main.js main.js run ...` loads it first in
 * the main thread and, since that is how workers inherit their arguments, in each worker.
 *
 *   bench --IPC: start, stop--> main thread --BroadcastChannel--> workers
 *
 * Between the ends of the measured phase it only lets V8 and libuv count. It keeps nothing alive that would
 * end without it.
 */
import { BroadcastChannel, isMainThread } from 'node:worker_threads';
import type { ProbeAnswer, ProbeCommand, WorkerMessage } from './protocol.js';
import { ThreadProbe } from './thread-probe.js';
import { Workers } from './workers.js';

const channel = new BroadcastChannel('millrace-bench-probe');
channel.unref();
const hear = (listen: (message: unknown) => void) => {
  channel.onmessage = (event) => listen((event as MessageEvent).data);
};

if (isMainThread) probeProcess();
else probeWorker();

function probeWorker(): void {
  let probe: ThreadProbe | undefined;
  const say = (message: WorkerMessage) => channel.postMessage(message);
  hear((message) => {
    if (message === 'start') probe = new ThreadProbe();
    else if (message === 'stop') {
      say({ kind: 'stopped', use: probe?.stop() });
      probe = undefined;
    }
  });
  process.once('exit', () => say({ kind: 'gone' }));
  say({ kind: 'here' });
}

function probeProcess(): void {
  const workers = new Workers();
  let probe: ThreadProbe | undefined;
  hear((message) => workers.hear(message as WorkerMessage));
  process.on('message', async (command: ProbeCommand) => {
    // Workers first: telling them is no part of what this thread does for messages.
    if (command === 'start') {
      channel.postMessage(command);
      probe = new ThreadProbe();
    } else if (command === 'stop' && probe !== undefined) {
      const main = probe.stop();
      probe = undefined;
      const answers = workers.answers();
      channel.postMessage(command);
      tell({ kind: 'probed', main, workers: await answers });
    }
  });
  // A listener would keep the process alive for as long as the bench holds its end of the channel.
  process.channel?.unref();
}

function tell(answer: ProbeAnswer): void {
  // What a bench that is gone does not hear is no error.
  if (process.connected) process.send?.(answer, undefined, undefined, () => undefined);
}
