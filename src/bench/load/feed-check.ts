/* FeedCheck: which records of a feed have come, and in which order, by their partition and their number
 * in it. Costs a comparison a record as long as they come as they should.
 */
export class FeedCheck {
  /** Records that have come, each once. */
  received = 0;
  duplicates = 0;
  /** Records that came after a later one of their partition. */
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

  /** A record has come; true: for the first time. */
  take(partition: number, sequence: number): boolean {
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
    this.outOfOrder += 1;
    this.received += 1;
    return true;
  }
}
