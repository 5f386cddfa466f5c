/* Asks Kafka in a thread that ends with the answer: the addon is loaded by workers alone. */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { KafkaInspection } from '../channel/kafka-inspection.js';
import type { Inspection } from './kafka.js';

/** Rejects only where the thread itself fails. */
export async function inspectApart(inspection: Inspection): Promise<KafkaInspection> {
  const file = new URL('../worker/inspect-main.js', import.meta.url);
  const worker = new Worker(file, { workerData: inspection });
  const ended = once(worker, 'exit');
  // Where the thread fails, waiting for its message says so.
  ended.catch(() => undefined);
  const [answer] = (await once(worker, 'message')) as [KafkaInspection];
  await ended;
  return answer;
}
