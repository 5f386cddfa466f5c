/* Words that several steps have in common. */

/** Of a step that is skipped. */
export const FAILED_BEFORE = 'a step before it failed';

export function plural(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
