const FILE = /\/src\/mqtt\/receive\/inflight\.js$/;
/** Where a delivery begins: the only place that counts one more as pending. */
const BEGINS = /this\.#pending\+\+;\s+this\.#enqueue\(packetId\);/g;
/** As if it were settled with Success at once. */
const SETTLED = 'this.#reason[packetId] = 1; this.#release();';

/**
 * The compiled source of a module with the mutation in it; undefined where it is not to be in it.
 * @throws where the line to be mutated is not there, or not alone
 */
export function mutated(url: string, source: string): string | undefined {
  if (!FILE.test(url)) return undefined;
  const places = source.match(BEGINS)?.length ?? 0;
  if (places !== 1) throw new Error(`${url}: a delivery begins in ${places} places, not in one`);
  return source.replace(BEGINS, (begins) => `${begins} ${SETTLED}`);
}
