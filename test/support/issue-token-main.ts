import { executionAsyncId } from 'node:async_hooks';
import { systemClock } from '../../src/base/clock.js';
import { openTokenSource } from '../../src/identity/token-source.js';

/* Asks for one token as the environment of this process says, and prints what came of it as JSON. A process of
 * its own, because Node reads NODE_EXTRA_CA_CERTS only when it starts. */

const [audience = ''] = process.argv.slice(2);
const source = openTokenSource({ audience, environment: process.env, clock: systemClock });
const { signal } = new AbortController();
const result = await source.issue(signal).then(
  ({ token }) => ({ token }),
  (error: Error) => ({ failure: error.message }),
);
// Node numbers what promises run only while somebody wants to know of it.
const promisesAreWatched = await Promise.resolve().then(() => executionAsyncId() !== 0);
process.stdout.write(JSON.stringify({ ...result, promisesAreWatched }));
