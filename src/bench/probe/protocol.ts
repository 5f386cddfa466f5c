/* What a bench and the probe in its connector say to each other over the connector's IPC channel, and the
 * probe's threads among themselves. All plain data.
 */

/** Bench -> connector, and its main thread -> workers, at the ends of the measured phase. */
export type ProbeCommand = 'start' | 'stop';

export interface LoopDelay {
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

/** What V8 and the event loop of one thread did from `start` to `stop`. */
export interface ThreadUse {
  readonly seconds: number;
  readonly gcs: number;
  /** In which the thread stood still for them. */
  readonly gcMs: number;
  /** On V8's heap, which the payloads of Buffers are not. */
  readonly allocatedBytes: number;
  readonly loopDelay: LoopDelay;
}

/** Worker -> main thread. */
export type WorkerMessage =
  /** When it starts. */
  | { readonly kind: 'here' }
  /** When it ends. */
  | { readonly kind: 'gone' }
  /** Without figures where it had not heard `start`. */
  | { readonly kind: 'stopped'; readonly use: ThreadUse | undefined };

/** Connector -> bench, as the answer to `stop`. */
export interface ProbeAnswer {
  readonly kind: 'probed';
  readonly main: ThreadUse;
  /** Undefined where a worker did not answer: it ended, or was too busy. */
  readonly workers: readonly ThreadUse[] | undefined;
}
