import { openSync } from 'node:fs';
import { isMainThread, MessagePort, workerData } from 'node:worker_threads';

/* Loaded by NODE_OPTIONS into a process of its own, before all else. What becomes of every worker of a
 * shard, MILLRACE_TEST_CRASH says: it dies `early`, or once it has said that it is `ready`; or it opens the
 * named pipe MILLRACE_TEST_PIPE then, for ever. What main waits for comes twenty times sooner.
 */

const HASTE = 20;
/** Of what is looked at every second: the looks count, and a worker that is well beats before it is ended. */
const LOOK_HASTE = 16;

if (isMainThread) {
  const { setTimeout: plain } = globalThis;
  const hasty = (callback: () => void, delayMs = 0) => {
    return plain(callback, delayMs === 1000 ? delayMs / LOOK_HASTE : delayMs / HASTE);
  };
  globalThis.setTimeout = Object.assign(hasty, plain) as typeof setTimeout;
} else if (workerData === null || workerData === undefined) {
  // What reads the configuration has data, and is none of these.
  if (process.env.MILLRACE_TEST_CRASH === 'early') crash();
  else crashWhenReady();
}

function crash(): void {
  const pipe = process.env.MILLRACE_TEST_PIPE;
  setTimeout(() => {
    if (pipe === undefined) throw new Error('boom');
    openSync(pipe, 'r');
  }, 0);
}

function crashWhenReady(): void {
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function (this: MessagePort, message: unknown, ...rest) {
    (postMessage as (...all: unknown[]) => void).call(this, message, ...rest);
    if ((message as { kind?: unknown } | null)?.kind === 'ready') crash();
  };
}
