import { isMainThread, MessagePort, workerData } from 'node:worker_threads';

/* Loaded by NODE_OPTIONS into a process of its own, before all else: every worker of a shard dies, as
 * MILLRACE_TEST_CRASH says `early` or once it has said that it is `ready`; and what main waits for comes
 * twenty times sooner.
 */

const HASTE = 20;

if (isMainThread) {
  const { setTimeout: plain } = globalThis;
  const hasty = (callback: () => void, delayMs = 0) => {
    // What is looked at every second counts the looks.
    return plain(callback, delayMs === 1000 ? delayMs : delayMs / HASTE);
  };
  globalThis.setTimeout = Object.assign(hasty, plain) as typeof setTimeout;
} else if (workerData === null || workerData === undefined) {
  // What reads the configuration has data, and is none of these.
  if (process.env.MILLRACE_TEST_CRASH === 'early') crash();
  else crashWhenReady();
}

function crash(): void {
  setTimeout(() => {
    throw new Error('boom');
  }, 0);
}

function crashWhenReady(): void {
  const { postMessage } = MessagePort.prototype;
  MessagePort.prototype.postMessage = function (this: MessagePort, message: unknown, ...rest) {
    (postMessage as (...all: unknown[]) => void).call(this, message, ...rest);
    if ((message as { kind?: unknown } | null)?.kind === 'ready') crash();
  };
}
