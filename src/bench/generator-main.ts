/* Process entry of the load generator: the task as its only argument, events over IPC, and it ends when
 * its parent lets go of the channel.
 */
import { LoadGenerator } from './generator.js';
import { Feeder } from './load/feeder.js';
import type { GeneratorEvent, GeneratorTask } from './protocol.js';
import { readLoad } from './through-broker/load-reader.js';

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

let generator: LoadGenerator | undefined;
// Also what is still queued for Kafka is nobody's any more.
process.on('disconnect', () => {
  generator?.close();
  process.exit(0);
});
// The parent may have let go before anybody listened.
if (!process.connected) process.exit(0);
try {
  const task = JSON.parse(process.argv[2] ?? '') as GeneratorTask;
  generator = await start(task);
  const throughBroker = task.load?.throughBroker;
  if (throughBroker !== undefined) {
    await readLoad(throughBroker, generator, ({ message }) => tell({ kind: 'failed', message }));
  }
  tell({ kind: 'open', mqttEndpoint: await generator.open() });
} catch (error) {
  const { message, code } = error as NodeJS.ErrnoException;
  tell({ kind: 'failed', message, ...(code === undefined ? {} : { code }) });
}
