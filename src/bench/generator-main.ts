/* Process entry of the load generator: the task as its only argument, events over IPC, and it ends when
 * its parent lets go of the channel.
 */
import { LoadGenerator } from './generator.js';
import { Feeder } from './load/feeder.js';
import type { GeneratorEvent, GeneratorTask } from './protocol.js';

function tell(event: GeneratorEvent): void {
  // What a parent that has let go does not hear is no error.
  if (process.connected) process.send?.(event, undefined, undefined, () => undefined);
}

async function start(task: GeneratorTask): Promise<LoadGenerator> {
  const feeder = task.feed && (await Feeder.open(task.feed));
  await feeder?.fill(task.feed?.recordsBefore ?? 0);
  return new LoadGenerator(task, feeder, {
    onLoading: () => tell({ kind: 'loading' }),
    onProgress: (progress) => tell({ kind: 'progress', ...progress }),
    onMeasuring: () => tell({ kind: 'measuring' }),
    onMeasured: (messages) => tell({ kind: 'measured', messages }),
    onFinished: (report) => tell({ kind: 'finished', report }),
    onFailed: (message) => tell({ kind: 'failed', message }),
  });
}

// Also what is still queued for Kafka is nobody's any more.
process.on('disconnect', () => process.exit(0));
// The parent may have let go before anybody listened.
if (!process.connected) process.exit(0);
try {
  const generator = await start(JSON.parse(process.argv[2] ?? '') as GeneratorTask);
  tell({ kind: 'open', mqttEndpoint: await generator.open() });
} catch (error) {
  tell({ kind: 'failed', message: (error as Error).message });
}
