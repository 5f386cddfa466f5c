/* Barriers: which shards take nothing until a barrier is written to them, once there is room for it: behind it
 * the worker of a lost producer knows that what comes is not what it abandoned. Main thread only.
 */
import type { Shard } from '../../shard/shard.js';

export class Barriers {
  /** And the loss that each answers. */
  readonly #losses = new Map<Shard, number>();

  /** Whether none is awaited. */
  get isEmpty(): boolean {
    return this.#losses.size === 0;
  }

  /** Whether a shard waits for its barrier. */
  has(shard: Shard): boolean {
    return this.#losses.has(shard);
  }

  await(shard: Shard, loss: number): void {
    this.#losses.set(shard, loss);
  }

  /** Its worker has ended, and the loss with it. */
  forget(shard: Shard): void {
    this.#losses.delete(shard);
  }

  /** Writes those that there is room for. */
  write(): void {
    for (const [shard, loss] of this.#losses) {
      if (shard.control({ kind: 'barrier', loss })) this.#losses.delete(shard);
    }
  }
}
