/* The worker's side of crossing.ts: reads every message and answers with how many it has read. */
import { parentPort, workerData } from 'node:worker_threads';
import { FRAME_BYTES, FRAME_DELIVERY_ID, FRAME_KIND, KIND_SKIP } from '../src/channel/frame.js';
import { HEAD_WORD, RING_DATA_BYTES, TAIL_WORD, WAITING_WORD } from '../src/channel/ring-layout.js';
import { type BellKind, listen, ringerOf } from './bell.js';
import {
  ANSWER_COUNT_WORD,
  ANSWER_SUM_WORD,
  ANSWER_WAITING_WORD,
  type CrossingData,
  type TransferredBatch,
} from './crossing-protocol.js';

const data = workerData as CrossingData;
const port = parentPort;
if (port === null) throw new Error('crossing-worker.ts runs in a worker');

/** Told with every answer, so that no read can be left out. */
let sum = 0;

if (data.way === 'transfer') {
  port.on('message', ({ batch, messages, bytes }: TransferredBatch) => {
    const words = new Int32Array(batch);
    for (let at = 0; at < bytes; at += words[at / 4 + FRAME_BYTES] as number) {
      sum += words[at / 4 + FRAME_DELIVERY_ID] as number;
    }
    port.postMessage({ batch, messages, bytes: 0, sum } satisfies TransferredBatch, [batch]);
  });
} else {
  serveRing(data.way);
  // A pending waitAsync keeps no thread alive.
  port.on('message', () => {});
}
port.postMessage('ready');

function serveRing(kind: BellKind): void {
  const { frames, answers, there, back } = data;
  const control = new Int32Array(frames, 0, RING_DATA_BYTES / 4);
  const words = new Int32Array(frames, RING_DATA_BYTES);
  const answer = new Int32Array(answers);
  const mask = frames.byteLength - RING_DATA_BYTES - 1;
  const ring = ringerOf(kind, back);
  let tail = 0;
  let count = 0;
  const turn = () => {
    for (;;) {
      Atomics.store(control, WAITING_WORD, 0);
      const head = Atomics.load(control, HEAD_WORD) >>> 0;
      while (tail !== head) {
        const word = (tail & mask) / 4;
        const toEnd = mask + 1 - (tail & mask);
        const isSkip = toEnd < 48 || words[word + FRAME_KIND] === KIND_SKIP;
        if (!isSkip) {
          sum += words[word + FRAME_DELIVERY_ID] as number;
          count++;
        }
        tail = (tail + (isSkip ? toEnd : (words[word + FRAME_BYTES] as number))) >>> 0;
      }
      Atomics.store(control, TAIL_WORD, tail | 0);
      answer[ANSWER_SUM_WORD] = sum;
      Atomics.store(answer, ANSWER_COUNT_WORD, count | 0);
      if (Atomics.exchange(answer, ANSWER_WAITING_WORD, 0) === 1) ring();
      Atomics.store(control, WAITING_WORD, 1);
      if (Atomics.load(control, HEAD_WORD) >>> 0 === tail) return;
    }
  };
  listen(kind, there, turn);
  turn();
}
