import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 10;
const DEADLINE_MS = 60_000;

export interface UntilOptions {
  readonly deadlineMs?: number;
  readonly pollMs?: number;
  /** What the failure shows beside the name of what was waited for. */
  readonly detail?: () => unknown;
}

/** Waits for a state that tells nobody when it begins; the deadline is there to fail, not to pass. */
export async function until(
  what: string,
  holds: () => boolean | Promise<boolean>,
  options: UntilOptions = {},
): Promise<void> {
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS;
  const endMs = performance.now() + deadlineMs;
  while (!(await holds())) {
    if (performance.now() > endMs) {
      const detail = options.detail === undefined ? '' : `: ${JSON.stringify(options.detail())}`;
      throw new Error(`not within ${deadlineMs} ms: ${what}${detail}`);
    }
    await delay(options.pollMs ?? POLL_MS);
  }
}
