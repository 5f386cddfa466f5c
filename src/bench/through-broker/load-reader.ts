/* Reads from Kafka what the generator has published, as it comes there: when a message is read, it has
 * arrived.
 */
import type { OperatingError } from '../../base/errors.js';
import type { RecordRing } from '../../channel/record-ring.js';
import { countPartitions } from '../kafka-client.js';
import { STAMP_BYTES, stampedDueAtMs, stampedSequence, viewOf } from '../load/stamp.js';
import type { ThroughBroker } from '../protocol.js';
import { KafkaReader } from '../verify/kafka-reader.js';

/** The embedded Kafka answers no sooner, where there is nothing to read at first. */
const EMBEDDED_WAIT_MS = 5;

/** Who awaits the messages. */
export interface LoadArrivals {
  /** All that follows, up to `endRecords`, was read at this moment. */
  beginRecords(nowMs: number): void;
  onRecord(sequence: number, dueAtMs: number, payloadBytes: number): void;
  endRecords(nowMs: number): void;
}

/** Reads on until the process ends. Rejects where the topic cannot be read; `onFailed` hears of it later. */
export async function readLoad(
  { bootstrapServers, embedded, kafkaTopic, recordBytesMax }: ThroughBroker,
  arrivals: LoadArrivals,
  onFailed: (error: OperatingError) => void,
): Promise<void> {
  const partitions = await countPartitions(bootstrapServers, kafkaTopic);
  let body: Uint8Array | undefined;
  let view: DataView | undefined;
  let nowMs = 0;
  const onRecord = (record: RecordRing) => {
    if (nowMs === 0) {
      nowMs = performance.now();
      arrivals.beginRecords(nowMs);
    }
    if (view === undefined || body !== record.body) {
      body = record.body;
      view = viewOf(body);
    }
    const { payloadStart, payloadBytes } = record;
    // What no stamp has was not sent by us; whoever verifies the topic tells of it.
    if (payloadBytes < STAMP_BYTES || record.oversize) return;
    const dueAtMs = stampedDueAtMs(view, payloadStart) - performance.timeOrigin;
    arrivals.onRecord(stampedSequence(view, payloadStart), dueAtMs, payloadBytes);
  };
  const onBatch = () => {
    const endedAtMs = nowMs;
    nowMs = 0;
    arrivals.endRecords(endedAtMs);
  };
  new KafkaReader({
    bootstrapServers,
    topic: kafkaTopic,
    partitions,
    recordBytesMax,
    ...(embedded ? { waitMs: EMBEDDED_WAIT_MS } : {}),
    onRecord,
    onBatch,
    onFailed,
  });
}
