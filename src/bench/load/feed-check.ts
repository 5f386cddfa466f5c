/* FeedCheck: which records of a feed have come, and in which order, by their partition and their number
 * in it. Costs two comparisons a record as long as they come as they should.
 *
 * Over several connections the records of a partition overtake each other; only those of one connection
 * must not.
 */
export class FeedCheck {
  /** Records that have come, each once. */
  received = 0;
  duplicates = 0;
  /** Records that came after a later one of their partition over the same connection. */
  outOfOrder = 0;
  /** By partition: the number of the record that is to come next. */
  readonly #next: number[];
  /** By partition: those before it that did not come. */
  readonly #overtaken: Set<number>[];

  constructor(partitions: number) {
    this.#next = Array.from({ length: partitions }, () => 0);
    this.#overtaken = Array.from({ length: partitions }, () => new Set<number>());
  }

  /** Records that have not come, though a later one of their partition has. */
  get overtaken(): number {
    return this.#overtaken.reduce((sum, { size }) => sum + size, 0);
  }

  /**
   * A record has come; true: for the first time. `latest` is its connection's own, empty at first: by
   * partition the number of the latest record of it.
   */
  take(partition: number, sequence: number, latest: number[]): boolean {
    const isNew = this.#takeNew(partition, sequence);
    if (sequence > (latest[partition] ?? -1)) latest[partition] = sequence;
    else if (isNew) this.outOfOrder += 1;
    return isNew;
  }

  #takeNew(partition: number, sequence: number): boolean {
    const next = this.#next[partition] as number;
    if (sequence < next) return this.#takeLate(partition, sequence);
    if (sequence > next) {
      for (let n = next; n < sequence; n++) this.#overtaken[partition]?.add(n);
    }
    this.#next[partition] = sequence + 1;
    this.received += 1;
    return true;
  }

  #takeLate(partition: number, sequence: number): boolean {
    if (this.#overtaken[partition]?.delete(sequence) !== true) {
      this.duplicates += 1;
      return false;
    }
    this.received += 1;
    return true;
  }
}
