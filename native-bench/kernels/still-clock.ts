import type { Clock } from '../../src/base/clock.js';

/** Time costs the same in every run where it does not pass. */
export const stillClock: Clock = {
  monotonicMs: () => 1_000,
  wallMs: () => 1_700_000_000_000,
  after: () => () => {},
};
