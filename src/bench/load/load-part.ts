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

export interface Dealt {
  readonly topics: number;
  /** Of their own: they are not the topics. */
  readonly keys: number;
  readonly parts: number;
}

/** Whether a message of the load may have this topic and this key, as message-plan.ts deals them. */
export function goTogether({ topics, keys, parts }: Dealt, topic: number, key: number): boolean {
  const index = topic % parts;
  if (keys < parts) return key === index % keys;
  if (key % parts !== index) return false;
  const [ownTopics, ownKeys] = [
    countOfPart(topics, { index, parts }),
    countOfPart(keys, { index, parts }),
  ];
  const [topicAt, keyAt] = [Math.floor(topic / parts), Math.floor(key / parts)];
  return ownTopics >= ownKeys ? keyAt === topicAt % ownKeys : topicAt === keyAt % ownTopics;
}

function countOfPart(count: number, { index, parts }: Part): number {
  return Math.max(0, Math.ceil((count - index) / parts));
}

function everyNth(count: number, part: Part): number[] {
  const length = countOfPart(count, part);
  return Array.from({ length }, (_, n) => part.index + n * part.parts);
}
