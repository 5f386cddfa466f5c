import { Shard } from '../../src/shard/shard.js';

/** A shard without a worker; it takes frames once it is `ready`, and nobody reads them. */
export function idleShard(index = 0): Shard {
  return new Shard({
    index,
    sessions: 1,
    sessionIndex: new Uint16Array(16),
    bell: { ring: () => {} },
    onSettled: () => {},
  });
}
