/* Lookup: names -> addresses, as node:dns does it, but each name once at a time. A lookup occupies one of the
 * four threads of libuv's pool until the resolver gives up, which it may do after minutes, and nothing can
 * end it: a connection that is not made in time is dialled again meanwhile. Without this a resolver that
 * hangs would soon have all four, and the files of this process would wait for it too.
 */
import { type LookupAddress, type LookupOptions, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

/** Dials that wait for the same name: more than there are sessions. */
export const WAITING_MAX = 4096;

type Resolve = (
  name: string,
  options: LookupOptions & { readonly all: true },
  /** Node calls it with the error alone where there is one. */
  callback: (error: NodeJS.ErrnoException | null, addresses?: LookupAddress[]) => void,
) => void;

type Waiting = Parameters<Parameters<Resolve>[2]>;

/** @param resolve dns.lookup, or what stands for it */
export function lookupOnce(resolve: Resolve): LookupFunction {
  const underWay = new Map<string, ((...answer: Waiting) => void)[]>();
  return (name, options, callback) => {
    const answer = (...[error, addresses = []]: Waiting) => {
      const [first] = addresses;
      if (error !== null || options.all === true) callback(error, addresses);
      else callback(null, first?.address ?? '', first?.family ?? 0);
    };
    const key = JSON.stringify([name, options.family, options.hints]);
    const waiting = underWay.get(key);
    if (waiting !== undefined) {
      waiting.push(answer);
      // Its socket was given up long ago, and takes no answer any more.
      if (waiting.length > WAITING_MAX) waiting.shift();
      return;
    }
    const asked = [answer];
    underWay.set(key, asked);
    resolve(name, { ...options, all: true }, (...found) => {
      underWay.delete(key);
      for (const each of asked) each(...found);
    });
  };
}

/** For every socket of this process that dials MQTT. */
export const sharedLookup: LookupFunction = lookupOnce(lookup);
