/* Process entry of the verification: its task comes over IPC, its answer goes back, and it ends when its
 * parent lets go of the channel. A process of its own, so that the bench stays idle while it works.
 */
import type { OperatingError } from '../../base/errors.js';
import { KafkaReader } from './kafka-reader.js';
import { RecordCheck } from './record-check.js';
import type { VerifyAnswer, VerifyTask } from './verify-records.js';

function tell(answer: VerifyAnswer): void {
  if (process.connected) process.send?.(answer, undefined, undefined, () => undefined);
}

async function verify(task: VerifyTask): Promise<VerifyAnswer> {
  const startMs = performance.now();
  const check = new RecordCheck(task.expected);
  let failed: OperatingError | undefined;
  const reader = new KafkaReader({
    bootstrapServers: task.bootstrapServers,
    topic: task.topic,
    partitions: task.ends.length,
    recordBytesMax: task.recordBytesMax,
    onRecord: (record) => check.take(record),
    onFailed: (error) => {
      failed = error;
    },
  });
  const isWhole = await reader.readTo(task.ends, { stallMs: task.stallSeconds * 1000 });
  reader.close();
  if (failed !== undefined) throw failed;
  if (!isWhole) {
    throw new Error(`Kafka gave no record for ${task.stallSeconds} s while they were read back`);
  }
  const seconds = (performance.now() - startMs) / 1000;
  return { kind: 'verified', verification: { how: 'every record', seconds, ...check.figures() } };
}

process.on('disconnect', () => process.exit(0));
// The parent may have let go before anybody listened.
if (!process.connected) process.exit(0);
process.once('message', (task: VerifyTask) => {
  verify(task).then(tell, (error: Error) => tell({ kind: 'failed', message: error.message }));
});
