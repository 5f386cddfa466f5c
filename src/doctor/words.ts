/* Words that several steps have in common. */

/** Of a step that is skipped. */
export const FAILED_BEFORE = 'a step before it failed';
