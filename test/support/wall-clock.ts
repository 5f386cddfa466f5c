import { type Clock, systemClock } from '../../src/base/clock.js';

/** The system's clock, but for the time of day, which stands still. */
export function systemClockAt(wallMs: number): Clock {
  return { ...systemClock, wallMs: () => wallMs };
}
