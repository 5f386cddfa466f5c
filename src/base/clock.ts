/** Time as a parameter, so that tests can bring their own. */
export interface Clock {
  /** Milliseconds that only rise, from an origin that every thread of the process shares. */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. */
  wallMs(): number;
  /** Calls `callback` once after `delayMs`; the function that comes back cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  // hrtime is CLOCK_MONOTONIC, the same in every thread and in the addon; performance.now() has
  // an origin of its own in each worker.
  monotonicMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  wallMs: () => Date.now(),
  after: (delayMs, callback) => {
    const timer = setTimeout(callback, delayMs);
    return () => clearTimeout(timer);
  },
};
