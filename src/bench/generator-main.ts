/* Process entry of the load generator: the load as its only argument, events over IPC, and it ends
 * when its parent lets go of the channel.
 */
import { LoadGenerator } from './generator.js';
import type { GeneratorEvent, Load } from './protocol.js';

function tell(event: GeneratorEvent): void {
  if (process.connected) process.send?.(event);
}

const load = JSON.parse(process.argv[2] ?? '') as Load;
const generator = new LoadGenerator(load, {
  onLoading: () => tell({ kind: 'loading' }),
  onMeasuring: () => tell({ kind: 'measuring' }),
  onFinished: (report) => tell({ kind: 'finished', report }),
  onFailed: (message) => tell({ kind: 'failed', message }),
});
process.on('disconnect', () => generator.close());
tell({ kind: 'listening', port: await generator.listen() });
