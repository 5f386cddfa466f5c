/* Garbage collection, allocation and event-loop delay of the thread that it runs in.
 *
 * V8 counts what is in use before and after each collection: what was added between two of them is what
 * was allocated. It keeps the numbers as text until they are asked for, some 3 KB a collection, so they are
 * asked for now and then; what the asking itself allocates is between two profiles, and not counted.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { GCProfilerResult } from 'node:v8';
import { GCProfiler, getHeapStatistics } from 'node:v8';
import type { LoopDelay, ThreadUse } from './protocol.js';

const LOOK_EVERY_MS = 10_000;
const LOOP_RESOLUTION_MS = 10;

export interface GcSum {
  readonly gcs: number;
  readonly gcMs: number;
  readonly allocatedBytes: number;
}

/** @param usedBytes of the heap, at both ends of the profile */
export function sumOf(
  { statistics }: Pick<GCProfilerResult, 'statistics'>,
  usedBytes: { readonly start: number; readonly end: number },
): GcSum {
  let gcMs = 0;
  let allocatedBytes = 0;
  let usedBefore = usedBytes.start;
  const add = (used: number) => {
    // A heap that is swept in the meantime may shrink a little.
    allocatedBytes += Math.max(0, used - usedBefore);
  };
  for (const { cost, beforeGC, afterGC } of statistics) {
    // In microseconds.
    gcMs += cost / 1000;
    add(beforeGC.heapStatistics.usedHeapSize);
    usedBefore = afterGC.heapStatistics.usedHeapSize;
  }
  add(usedBytes.end);
  return { gcs: statistics.length, gcMs, allocatedBytes };
}

function usedHeapBytes(): number {
  return getHeapStatistics().used_heap_size;
}

export class ThreadProbe {
  readonly #loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  readonly #startedAtMs = performance.now();
  readonly #timer: NodeJS.Timeout;
  #profiler = new GCProfiler();
  #usedAtStart = 0;
  #gcs = 0;
  #gcMs = 0;
  #allocatedBytes = 0;

  /** Starts at once. */
  constructor() {
    this.#loop.enable();
    this.#timer = setInterval(() => {
      this.#close();
      this.#open();
    }, LOOK_EVERY_MS);
    this.#timer.unref();
    this.#open();
  }

  /** How often the loop has come by since it started: what its delay is known of. */
  get loopTicks(): number {
    return this.#loop.count;
  }

  stop(): ThreadUse {
    clearInterval(this.#timer);
    const seconds = (performance.now() - this.#startedAtMs) / 1000;
    this.#loop.disable();
    this.#close();
    return {
      seconds,
      gcs: this.#gcs,
      gcMs: this.#gcMs,
      allocatedBytes: this.#allocatedBytes,
      loopDelay: this.#loopDelay(),
    };
  }

  #open(): void {
    this.#profiler = new GCProfiler();
    this.#profiler.start();
    this.#usedAtStart = usedHeapBytes();
  }

  #close(): void {
    const end = usedHeapBytes();
    const { gcs, gcMs, allocatedBytes } = sumOf(this.#profiler.stop(), {
      start: this.#usedAtStart,
      end,
    });
    this.#gcs += gcs;
    this.#gcMs += gcMs;
    this.#allocatedBytes += allocatedBytes;
  }

  /** The histogram holds the time from one tick of a timer to the next: what is over its period is the
   * delay. */
  #loopDelay(): LoopDelay {
    if (this.#loop.count === 0) return { p50Ms: 0, p99Ms: 0, maxMs: 0 };
    const overMs = (ns: number) => Math.max(0, ns / 1e6 - LOOP_RESOLUTION_MS);
    return {
      p50Ms: overMs(this.#loop.percentile(50)),
      p99Ms: overMs(this.#loop.percentile(99)),
      maxMs: overMs(this.#loop.max),
    };
  }
}
