/* RecordSource: main's side of one consumer: the rings that its worker writes records to. A worker that
 * died leaves its rings to what refers to them still; its successor has others. Main thread only.
 */
import type { ConsumerTask } from '../channel/protocol.js';
import { RecordRing } from '../channel/record-ring.js';
import { createRingMemory } from '../channel/ring-layout.js';
import { LARGE_RING_BYTES_MIN, RECORD_RING_BYTES } from '../config/limits.js';

export type SourceSettings = Omit<ConsumerTask, 'records' | 'large'>;

export class RecordSource {
  readonly settings: SourceSettings;
  /** Index of the shard whose worker has the consumer. */
  readonly shard: number;
  readonly #ringDoorbell: () => void;
  readonly #largeBytes: number;
  #ring: RecordRing;
  #task: ConsumerTask;

  constructor(settings: SourceSettings, shard: number, ringDoorbell: () => void) {
    this.settings = settings;
    this.shard = shard;
    this.#ringDoorbell = ringDoorbell;
    // One is read while the next is on its way.
    this.#largeBytes = Math.max(LARGE_RING_BYTES_MIN, 2 * settings.payloadBytesMax);
    [this.#ring, this.#task] = this.#open();
  }

  get ring(): RecordRing {
    return this.#ring;
  }

  /** What the worker is told. */
  get task(): ConsumerTask {
    return this.#task;
  }

  /** After its worker has ended: memory of its own for the next. */
  reset(): void {
    [this.#ring, this.#task] = this.#open();
  }

  #open(): [RecordRing, ConsumerTask] {
    const records = createRingMemory(RECORD_RING_BYTES);
    const large = new SharedArrayBuffer(this.#largeBytes);
    const ring = new RecordRing(records, large, this.#ringDoorbell);
    return [ring, { ...this.settings, records, large }];
  }
}
