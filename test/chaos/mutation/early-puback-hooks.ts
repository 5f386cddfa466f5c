/* Module hooks of early-puback-main.ts. */
import type { LoadHook } from 'node:module';
import { mutated } from './early-puback.js';

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  const source = mutated(url, `${loaded.source}`);
  return source === undefined ? loaded : { ...loaded, source };
};
