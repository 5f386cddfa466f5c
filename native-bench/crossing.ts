/* How small messages cross from the main thread to a worker, and the answer back: batches that are
 * transferred, against a shared ring with three ways to wake its reader.
 *   npm run native-bench -- crossing [--rounds N] [--messages N] [--json]
 */
import { fileURLToPath } from 'node:url';
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { spreadOf } from '../src/bench/report/spread.js';
import { closeDoorbell, openDoorbell } from '../src/channel/doorbell.js';
import { FRAME_BYTES, FRAME_DELIVERY_ID, FRAME_KIND, KIND_RECORD } from '../src/channel/frame.js';
import { FrameRing } from '../src/channel/frame-ring.js';
import { createRingMemory } from '../src/channel/ring-layout.js';
import { wholeNumber } from '../src/cli/numbers.js';
import { listen, ringerOf } from './bell.js';
import {
  type ComparisonOptions,
  comparisonCommand,
  printTable,
  spreadText,
  takeTurns,
} from './comparison.js';
import {
  ANSWER_COUNT_WORD,
  ANSWER_WAITING_WORD,
  ANSWER_WORDS,
  type CrossingData,
  type TransferredBatch,
  WAYS,
  type Way,
} from './crossing-protocol.js';

/** A 200-byte payload with its frame, topic key and header. */
const FRAME_BYTES_EACH = 296;
/** What one read from a socket brings at saturation. */
const BURST = 500;
const WINDOW = 8000;
const RING_BYTES = 8 * 1024 * 1024;
const BATCH_BYTES = BURST * FRAME_BYTES_EACH;

/** Sends up to `count` messages and says how many went. */
interface Crossing {
  send(count: number): number;
  close(): Promise<void>;
}

interface Result {
  readonly cpuUsPerMessage: number;
  readonly messagesPerSecond: number;
  readonly roundTripUs: number;
  readonly cpuUsPerRoundTrip: number;
}

async function open(way: Way, onAnswered: (messages: number) => void): Promise<Crossing> {
  const there = new MessageChannel();
  const back = new MessageChannel();
  const fds = [openDoorbell(), openDoorbell()] as const;
  const words = [0, 1].map(() => new Int32Array(new SharedArrayBuffer(4))) as [
    Int32Array,
    Int32Array,
  ];
  const frames = createRingMemory(RING_BYTES);
  const answers = new SharedArrayBuffer(ANSWER_WORDS * 4);
  const parts = (index: 0 | 1, port: MessagePort) => ({ fd: fds[index], port, word: words[index] });
  const workerData: CrossingData = {
    way,
    frames,
    answers,
    there: parts(0, there.port2),
    back: parts(1, back.port2),
  };
  const worker = new Worker(fileURLToPath(new URL('./crossing-worker.js', import.meta.url)), {
    workerData,
    transferList: [there.port2, back.port2],
  });
  await new Promise((resolve) => worker.once('message', resolve));
  const send =
    way === 'transfer'
      ? sendByTransfer(worker, onAnswered)
      : sendByRing(
          new FrameRing(frames, ringerOf(way, parts(0, there.port1))),
          listenForAnswers(way, parts(1, back.port1), answers, onAnswered),
        );
  return {
    send: send.send,
    close: async () => {
      send.stop();
      await worker.terminate();
      for (const port of [there.port1, back.port1]) port.close();
      for (const fd of fds) closeDoorbell(fd);
    },
  };
}

function sendByTransfer(worker: Worker, onAnswered: (messages: number) => void) {
  const free: ArrayBuffer[] = [];
  worker.on('message', ({ batch, messages }: TransferredBatch) => {
    free.push(batch);
    onAnswered(messages);
  });
  const send = (count: number) => {
    const batch = free.pop() ?? new ArrayBuffer(BATCH_BYTES);
    const words = new Int32Array(batch);
    for (let n = 0; n < count; n++) writeMessage(words, (n * FRAME_BYTES_EACH) / 4, n);
    const bytes = count * FRAME_BYTES_EACH;
    const message: TransferredBatch = { batch, messages: count, bytes, sum: 0 };
    worker.postMessage(message, [batch]);
    return count;
  };
  return { send, stop: () => {} };
}

function listenForAnswers(
  way: Exclude<Way, 'transfer'>,
  parts: Parameters<typeof listen>[1],
  answers: SharedArrayBuffer,
  onAnswered: (messages: number) => void,
): () => void {
  const answer = new Int32Array(answers);
  let seen = 0;
  const drain = () => {
    for (;;) {
      Atomics.store(answer, ANSWER_WAITING_WORD, 0);
      const count = Atomics.load(answer, ANSWER_COUNT_WORD);
      const more = (count - seen) | 0;
      seen = count;
      if (more > 0) onAnswered(more);
      Atomics.store(answer, ANSWER_WAITING_WORD, 1);
      if (Atomics.load(answer, ANSWER_COUNT_WORD) === seen) return;
    }
  };
  const stop = listen(way, parts, drain);
  drain();
  return stop;
}

function sendByRing(ring: FrameRing, stop: () => void) {
  const send = (count: number) => {
    let sent = 0;
    for (; sent < count; sent++) {
      const offset = ring.reserve(FRAME_BYTES_EACH);
      if (offset < 0) break;
      writeMessage(ring.words, offset / 4, sent);
      ring.commit(FRAME_BYTES_EACH);
    }
    ring.publish();
    return sent;
  };
  return { send, stop };
}

function writeMessage(words: Int32Array, at: number, n: number): void {
  words[at + FRAME_BYTES] = FRAME_BYTES_EACH;
  words[at + FRAME_KIND] = KIND_RECORD;
  words[at + FRAME_DELIVERY_ID] = n;
  for (let word = at + 3; word < at + FRAME_BYTES_EACH / 4; word++) words[word] = n;
}

async function measure(way: Way, messages: number): Promise<Result> {
  let answered = 0;
  let wake = () => {};
  const crossing = await open(way, (more) => {
    answered += more;
    wake();
  });
  const saturate = (total: number) =>
    new Promise<void>((resolve) => {
      let sent = 0;
      answered = 0;
      const turn = () => {
        if (answered >= total) return resolve();
        const room = Math.min(WINDOW - (sent - answered), total - sent, BURST);
        if (room > 0) sent += crossing.send(room);
        // As reads from a socket: the next one comes by way of the loop, if there is credit.
        if (room > 0) setImmediate(turn);
        else waiting = true;
      };
      let waiting = false;
      wake = () => {
        if (!waiting) return;
        waiting = false;
        turn();
      };
      turn();
    });
  const pingPong = (total: number) =>
    new Promise<void>((resolve) => {
      let left = total;
      wake = () => {
        if (left-- > 0) crossing.send(1);
        else resolve();
      };
      wake();
    });
  await saturate(messages / 5);
  const many = await timed(() => saturate(messages));
  await pingPong(500);
  const trips = Math.max(1000, Math.round(messages / 500));
  const single = await timed(() => pingPong(trips));
  await crossing.close();
  return {
    cpuUsPerMessage: many.cpuUs / messages,
    messagesPerSecond: (messages / many.elapsedMs) * 1000,
    roundTripUs: (single.elapsedMs * 1000) / trips,
    cpuUsPerRoundTrip: single.cpuUs / trips,
  };
}

async function timed(work: () => Promise<void>): Promise<{ cpuUs: number; elapsedMs: number }> {
  const startMs = performance.now();
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return { cpuUs: user + system, elapsedMs: performance.now() - startMs };
}

const { rounds, messages, json } = comparisonCommand(
  'crossing',
  'Small messages to a worker and the answer back',
  7,
)
  .option('--messages <n>', 'in each measurement', wholeNumber(1_000), 2_000_000)
  .parse()
  .opts<ComparisonOptions & { readonly messages: number }>();
const results = await takeTurns(WAYS, rounds, (way) => measure(way, messages));
if (json) console.log(JSON.stringify(results));
else {
  const rows = WAYS.map((way) => {
    const of = (name: keyof Result) => spreadOf(results[way].map((round) => round[name]));
    // Against the same round's eventfd: what else the machine does meets both alike.
    const times = (name: keyof Result) =>
      spreadOf(
        results[way].map((round, n) => round[name] / (results.eventfd[n] as Result)[name]),
      ).median.toFixed(2);
    return [
      way,
      spreadText(of('cpuUsPerMessage'), 3),
      times('cpuUsPerMessage'),
      `${Math.round(of('messagesPerSecond').median / 1_000)}k`,
      spreadText(of('roundTripUs'), 1),
      times('roundTripUs'),
      of('cpuUsPerRoundTrip').median.toFixed(1),
    ];
  });
  printTable(
    [
      'way',
      'us CPU a message',
      'x eventfd',
      'messages/s',
      'us there and back',
      'x eventfd',
      'us CPU of it',
    ],
    rows,
  );
}
