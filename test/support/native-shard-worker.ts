import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import { listenToDoorbell } from '../../src/channel/doorbell.js';
import { ROUND_ROBIN } from '../../src/channel/protocol.js';
import { addon, TURN_FAILURES, TURN_MORE } from '../../src/kafka/addon.js';

/* A worker that does what worker/produce-loop.ts does, or ends in the way that a test asks for. It
 * says something when it has begun, and again after its first turn. */

export interface ShardWorkerData {
  readonly frames: SharedArrayBuffer;
  readonly settlements: SharedArrayBuffer;
  readonly wakeFd: number;
  readonly mainFd: number;
  readonly properties: Readonly<Record<string, string>>;
  readonly topic: string;
  /** `spin` never leaves the callback; `objects` makes objects of failures without end. */
  readonly mode: 'produce' | 'spin' | 'objects' | 'exit' | 'gc' | 'throw';
}

const data = workerData as ShardWorkerData;
const port = parentPort as NonNullable<typeof parentPort>;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const shard = new addon.ShardProducers(
  new Uint8Array(data.frames),
  new Uint8Array(data.settlements),
  new Uint8Array(new SharedArrayBuffer(64)),
  data.wakeFd,
  data.mainFd,
);
const producer = shard.addProducer(data.properties);
shard.setTarget(0, producer, data.topic, { acks: '1' }, ROUND_ROBIN, 0, false);
if (data.mode === 'objects') shard.divert(0, true);

let turns = 0;
let endAfter = Number.POSITIVE_INFINITY;
let closed = false;

function settled(): number {
  return Atomics.load(new Int32Array(data.settlements), 0) / 8;
}

function turn(): void {
  // One may be due still when the last settlement is read.
  if (closed) return;
  if (data.mode === 'throw') throw new Error('thrown in the callback');
  const flags = shard.turn();
  shard.report();
  if (data.mode === 'gc') collect();
  if (turns++ === 0) port.postMessage('turned');
  while (data.mode === 'spin') shard.turn();
  if (data.mode === 'objects' && (flags & TURN_FAILURES) !== 0) {
    const failures = shard.takeFailures();
    // Handed out again and again: each time the target is diverted still.
    for (;;) {
      for (const { frame } of failures) shard.produce(0, false, frame, 1);
      shard.purge(producer, false);
      shard.turn();
      shard.takeFailures();
    }
  }
  if (data.mode === 'exit') process.exit(7);
  if (settled() >= endAfter) {
    closed = true;
    stop();
    shard.close();
    port.close();
  } else if ((flags & TURN_MORE) !== 0) setImmediate(turn);
}

const stop = listenToDoorbell(data.wakeFd, turn);
port.on('message', (message: { readonly endAfter: number }) => {
  endAfter = message.endAfter;
  setImmediate(turn);
});
if (data.mode !== 'throw') setImmediate(turn);
port.postMessage('begun');
