/* Runs inside the connector under test: `node --import sabotage-main.js main.js run ...` loads it in the
 * main thread and in each worker, and it does to them what the run asks for on a socket.
 *
 *   run --socket, a line of JSON--> main thread --BroadcastChannel--> workers
 *
 * It is no part of the product and keeps nothing alive that would end without it.
 */
import { rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { BroadcastChannel, isMainThread, threadId, type Worker } from 'node:worker_threads';
import {
  SABOTAGE_CHANNEL,
  SABOTAGE_DONE,
  SABOTAGE_SOCKET,
  type Sabotage,
  type SabotageOrder,
} from './sabotage.js';

const channel = new BroadcastChannel(SABOTAGE_CHANNEL);
channel.unref();

if (isMainThread) hearTheRun();
else hearMain();

function hearTheRun(): void {
  const socketPath = process.env[SABOTAGE_SOCKET];
  if (socketPath === undefined) throw new Error(`${SABOTAGE_SOCKET} is not set`);
  const workers: Worker[] = [];
  process.on('worker', (worker) => {
    workers.push(worker);
    worker.once('exit', () => workers.splice(workers.indexOf(worker), 1));
  });
  let turn = 0;
  rmSync(socketPath, { force: true });
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (line) => {
      const sabotage = JSON.parse(`${line}`) as Sabotage;
      const worker = workers[turn++ % workers.length];
      if (sabotage.act === 'blockMain') {
        socket.end(SABOTAGE_DONE, () => block(sabotage.ms));
      } else if (worker !== undefined) {
        if (sabotage.act === 'terminate') void worker.terminate();
        else channel.postMessage({ ...sabotage, threadId: worker.threadId });
        socket.end(SABOTAGE_DONE);
      } else socket.end('no worker\n');
    });
  });
  server.listen(socketPath);
  server.unref();
}

function hearMain(): void {
  channel.onmessage = (event) => {
    const order = (event as MessageEvent).data as SabotageOrder;
    if (order.threadId !== threadId) return;
    if (order.act === 'block') block(order.ms);
    else if (order.act === 'heap') fillHeap();
    else throw new Error('an error that nobody catches');
  };
}

/** The thread does nothing else meanwhile, and its event loop does not turn. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

function fillHeap(): void {
  const kept: object[] = [];
  while (kept.length < Number.MAX_SAFE_INTEGER) kept.push(new Array(1000).fill(0.5));
}
