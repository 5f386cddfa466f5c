/* Process entry of a program that the bench's probe is loaded into: a main thread and a worker, which
 * allocate when they are told to. It ends by itself once it is told to end, if nothing keeps it.
 */
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const BYTES = 1_000_000;

function allocate(): unknown[] {
  // An object without properties takes more than 16 bytes.
  return Array.from({ length: BYTES / 16 }, () => ({}));
}

if (isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url));
  await once(worker, 'message');
  const held = setInterval(() => undefined, 60_000);
  process.on('message', async (message) => {
    if (message === 'allocate') {
      allocate();
      worker.postMessage('allocate');
      await once(worker, 'message');
      process.send?.('allocated');
    } else if (message === 'end') {
      clearInterval(held);
      worker.postMessage('end');
    }
  });
  process.send?.('ready');
} else {
  parentPort?.postMessage('ready');
  parentPort?.on('message', (message) => {
    if (message === 'allocate') {
      allocate();
      parentPort?.postMessage('allocated');
    } else if (message === 'end') parentPort?.close();
  });
}
