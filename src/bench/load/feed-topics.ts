/* How the keys of a feed are dealt to its readers at a broker: each reads topics of its own. */
import type { Feed } from '../protocol.js';

type FeedTopics = Pick<Feed, 'topicRoot' | 'readers'>;

/** The key of that number, which is the rest of the topic name too. */
export function feedKeyOf({ readers }: FeedTopics, n: number): string {
  return readers === 1 ? String(n) : `${n % readers}/${n}`;
}

/** What the topic names begin with that the reader of that index reads; the number of the key follows. */
export function feedTopicsOf({ topicRoot, readers }: FeedTopics, index: number): string {
  return readers === 1 ? `${topicRoot}/` : `${topicRoot}/${index}/`;
}
