import { parentPort, workerData } from 'node:worker_threads';
import { listenToDoorbell } from '../../src/channel/doorbell.js';
import {
  addon,
  CONSUMER_EVENTS,
  CONSUMER_MORE,
  EVENT_ASSIGN,
  EVENT_REVOKE,
} from '../../src/kafka/addon.js';

/* A worker that consumes, answers rebalances, and says so when it has written its first record. */

export interface ConsumerWorkerData {
  readonly ring: SharedArrayBuffer;
  readonly wakeFd: number;
  readonly mainFd: number;
  readonly topic: string;
  readonly properties: Readonly<Record<string, string>>;
}

const data = workerData as ConsumerWorkerData;
const head = new Int32Array(data.ring, 0, 1);
let said = false;

const consumer = new addon.Consumer(
  data.properties,
  data.topic,
  new Uint8Array(data.ring),
  new Uint8Array(new SharedArrayBuffer(0)),
  data.wakeFd,
  data.mainFd,
);

function turn(): void {
  const flags = consumer.turn();
  if ((flags & CONSUMER_EVENTS) !== 0) {
    for (const { kind, partitions } of consumer.takeEvents()) {
      if (kind === EVENT_ASSIGN) consumer.assign(partitions);
      if (kind === EVENT_REVOKE) consumer.unassign(partitions.map(({ partition }) => partition));
    }
  }
  if ((flags & CONSUMER_MORE) !== 0) setImmediate(turn);
  if (!said && Atomics.load(head, 0) !== 0) {
    said = true;
    parentPort?.postMessage('consuming');
  }
}

listenToDoorbell(data.wakeFd, turn);
