/** Time as a parameter, so that tests can bring their own. */
export interface Clock {
  /** Milliseconds that only rise, from an origin that every thread of the process shares. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. */
  wallMs(): number;
  /** Calls `callback` once after `delayMs`; the function that comes back cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

// hrtime is CLOCK_MONOTONIC, the same in every thread and in the addon. performance.now() is the
// cheaper call, with an origin of its own in each worker.
const ORIGIN_MS = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const systemClock: Clock = {
  monotonicMs: () => ORIGIN_MS + performance.now(),
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
