/* Record key -> shard: the hash that Kafka's partitioner uses, so that what shares a partition key
 * shares a worker. */

const M = 0x5bd1e995;
const SEED = 0x9747b28c;

/** murmur2 as in Kafka's Java client, over `bytes[start..end)`; a signed 32-bit number. */
export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  let h = SEED ^ length;
  let i = start;
  for (const stop = end - (length & 3); i < stop; i += 4) {
    let k =
      (bytes[i] as number) |
      ((bytes[i + 1] as number) << 8) |
      ((bytes[i + 2] as number) << 16) |
      ((bytes[i + 3] as number) << 24);
    k = Math.imul(k, M);
    k ^= k >>> 24;
    k = Math.imul(k, M);
    h = Math.imul(h, M) ^ k;
  }
  const rest = end - i;
  if (rest === 3) h ^= (bytes[i + 2] as number) << 16;
  if (rest >= 2) h ^= (bytes[i + 1] as number) << 8;
  if (rest >= 1) h = Math.imul(h ^ (bytes[i] as number), M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

/** Index of the shard that a key belongs to. The high bits choose it: the low ones choose the partition. */
export function shardOf(bytes: Uint8Array, start: number, end: number, shards: number): number {
  return shards === 1 ? 0 : (murmur2(bytes, start, end) >>> 8) % shards;
}
