/* Which topics and keys, of a load's, each of several connections has: every one has its own, so that what
 * is published to a topic, or with a key, keeps its order.
 */
import type { Load } from '../protocol.js';

/** One of the connections that share a load. */
export interface Part {
  readonly index: number;
  readonly parts: number;
}

export const WHOLE: Part = { index: 0, parts: 1 };

/** Numbers of topics and keys. */
export interface LoadPart extends Part {
  readonly topics: readonly number[];
  readonly keys: readonly number[];
}

/** Every `parts`th of both; where there are fewer keys than connections, several have the same. */
export function loadPartOf({ topics, keys, keyProperty }: Load, part: Part): LoadPart {
  const ownTopics = everyNth(topics, part);
  if (keyProperty === undefined) return { ...part, topics: ownTopics, keys: ownTopics };
  const { index, parts } = part;
  const ownKeys = keys < parts ? [index % keys] : everyNth(keys, part);
  return { ...part, topics: ownTopics, keys: ownKeys };
}

function everyNth(count: number, { index, parts }: Part): number[] {
  const length = Math.max(0, Math.ceil((count - index) / parts));
  return Array.from({ length }, (_, n) => index + n * parts);
}
