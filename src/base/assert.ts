/** A programmer's error: it ends the thread that made it. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Stays on in production. Throws `AssertionError` unless `condition` holds. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new AssertionError(message);
}
