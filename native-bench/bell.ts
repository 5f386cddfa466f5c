/// <reference lib="es2024.sharedmemory" />
/* Three ways to wake the event loop of another thread, behind one interface. Each thread gets the
 * same shared memory, ports and descriptors, and makes of them what it needs.
 */
import type { MessagePort } from 'node:worker_threads';
import { listenToDoorbell, ringDoorbell } from '../src/channel/doorbell.js';

export const BELLS = ['eventfd', 'postMessage', 'waitAsync'] as const;
export type BellKind = (typeof BELLS)[number];

/** One direction of waking. */
export interface BellParts {
  readonly fd: number;
  /** This thread's end. */
  readonly port: MessagePort;
  readonly word: Int32Array;
}

export function ringerOf(kind: BellKind, { fd, port, word }: BellParts): () => void {
  switch (kind) {
    case 'eventfd':
      return () => ringDoorbell(fd);
    case 'postMessage':
      return () => port.postMessage(0);
    case 'waitAsync':
      return () => {
        Atomics.add(word, 0, 1);
        Atomics.notify(word, 0);
      };
  }
}

/** Calls `onRing` once for any number of rings since the last time. */
export function listen(
  kind: BellKind,
  { fd, port, word }: BellParts,
  onRing: () => void,
): () => void {
  if (kind === 'eventfd') return listenToDoorbell(fd, onRing);
  if (kind === 'postMessage') {
    port.on('message', onRing);
    return () => port.off('message', onRing);
  }
  let stopped = false;
  const wait = (seen: number): void => {
    const { async, value } = Atomics.waitAsync(word, 0, seen);
    const woken = () => {
      if (stopped) return;
      const now = Atomics.load(word, 0);
      onRing();
      wait(now);
    };
    if (async) void value.then(woken);
    else queueMicrotask(woken);
  };
  wait(Atomics.load(word, 0));
  return () => {
    stopped = true;
  };
}
