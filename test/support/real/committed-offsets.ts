import { readEach } from './kcat.js';

/* What a consumer group has committed, and when: Kafka keeps it as records of a topic of its own, and
 * kcat reads them like any others. Their keys and values are Kafka's OffsetCommitKey and
 * OffsetCommitValue: big endian, strings behind their length in 16 bits. */

export const OFFSETS_TOPIC = '__consumer_offsets';
const NULL_VALUE_OFFSET = -1;
const GROUP_METADATA = 2;

export interface Commit {
  readonly partition: number;
  readonly offset: number;
  /** When the group's coordinator wrote it. */
  readonly timestampMs: number;
}

/** Every commit of a group for a topic, in order within each partition; while the topic is not compacted. */
export async function readCommits(
  bootstrap: string,
  group: string,
  topic: string,
): Promise<Commit[]> {
  const commits: Commit[] = [];
  await readEach(bootstrap, OFFSETS_TOPIC, {
    partition: offsetsPartition(group),
    onRecord: ({ key, value, timestampMs }) => {
      const partition = key === null ? undefined : partitionOf(key, group, topic);
      if (partition === undefined) return;
      const offset = value === null ? NULL_VALUE_OFFSET : Number(value.readBigInt64BE(2));
      commits.push({ partition, offset, timestampMs });
    },
  });
  return commits;
}

/** Which generation of its members a group is in: each rebalance begins another. */
export async function readGeneration(bootstrap: string, group: string): Promise<number> {
  let generation = -1;
  await readEach(bootstrap, OFFSETS_TOPIC, {
    partition: offsetsPartition(group),
    onRecord: ({ key, value }) => {
      // GroupMetadataKey, and behind the version in its value the name of the protocol.
      if (key === null || value === null || key.readInt16BE(0) !== GROUP_METADATA) return;
      if (`${key.subarray(4)}` === group) generation = value.readInt32BE(4 + value.readInt16BE(2));
    },
  });
  return generation;
}

/** What was committed last for each partition at a time; 0 where nothing was. */
export function committedAt(
  commits: readonly Commit[],
  partitions: number,
  timeMs: number,
): number[] {
  const committed = new Array<number>(partitions).fill(0);
  for (const { partition, offset, timestampMs } of commits) {
    if (timestampMs <= timeMs) committed[partition] = offset;
  }
  return committed;
}

/** Commits that are behind an earlier one of their partition: somebody's who does not own it any more. */
export function commitsThatFall(commits: readonly Commit[]): Commit[] {
  const highest: number[] = [];
  return commits.filter(({ partition, offset }) => {
    const falls = offset < (highest[partition] ?? 0);
    highest[partition] = Math.max(offset, highest[partition] ?? 0);
    return falls;
  });
}

/** Which partition of the offsets topic a group's commits go to, among 8: servers/kafka-config.sh. */
export function offsetsPartition(group: string): number {
  let hash = 0;
  for (const char of group) hash = (Math.imul(31, hash) + char.charCodeAt(0)) | 0;
  return Math.abs(hash) % 8;
}

/** The partition that a commit of this group and topic is for; undefined: it is another record. */
function partitionOf(key: Buffer, group: string, topic: string): number | undefined {
  const version = key.readInt16BE(0);
  if (version >= GROUP_METADATA) return undefined;
  const groupEnd = 4 + key.readInt16BE(2);
  const topicEnd = groupEnd + 2 + key.readInt16BE(groupEnd);
  if (`${key.subarray(4, groupEnd)}` !== group) return undefined;
  if (`${key.subarray(groupEnd + 2, topicEnd)}` !== topic) return undefined;
  return key.readInt32BE(topicEnd);
}
