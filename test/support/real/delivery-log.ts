/* What came of the records of a topic, in the order in which it came: what is missing, what came again,
 * and whether each partition's records came in order when they came first. */

/** A partition began again before where it was. */
export interface StepBack {
  readonly partition: number;
  /** The offset that was next. */
  readonly from: number;
  /** The offset that came instead. */
  readonly to: number;
  /** How many marks had come by then. */
  readonly marks: number;
  /** How many records came again from there on. */
  repeats: number;
}

export class DeliveryLog {
  readonly stepsBack: StepBack[] = [];
  readonly #seen: readonly Uint8Array[];
  /** By partition: the offset behind the highest that has come. */
  readonly #highest: number[];
  /** By partition: the offset behind the one that came last. */
  readonly #next: number[];
  /** By partition: its last step back. */
  readonly #lastStep: (StepBack | undefined)[] = [];
  #marks = 0;
  #distinct = 0;
  #disordered = 0;

  constructor(partitions: number, each: number) {
    this.#seen = Array.from({ length: partitions }, () => new Uint8Array(each));
    this.#highest = new Array<number>(partitions).fill(0);
    this.#next = new Array<number>(partitions).fill(0);
  }

  get distinct(): number {
    return this.#distinct;
  }

  /** Records that came after a later one of their partition, when they came first. */
  get disordered(): number {
    return this.#disordered;
  }

  /** How often a record came again. */
  get repeats(): number {
    return this.stepsBack.reduce((sum, { repeats }) => sum + repeats, 0);
  }

  /** The offsets of a partition that never came. */
  missing(partition: number): number[] {
    return [...(this.#seen[partition] ?? [])].flatMap((seen, offset) => (seen ? [] : [offset]));
  }

  add(partition: number, offset: number): void {
    const seen = this.#seen[partition];
    if (seen === undefined || offset >= seen.length) {
      throw new Error(`there is no record ${offset} in partition ${partition}`);
    }
    const highest = this.#highest[partition] as number;
    const next = this.#next[partition] as number;
    if (offset < next) {
      const step = { partition, from: next, to: offset, marks: this.#marks, repeats: 0 };
      this.stepsBack.push(step);
      this.#lastStep[partition] = step;
    }
    const step = this.#lastStep[partition];
    if (seen[offset] === 0) {
      seen[offset] = 1;
      this.#distinct++;
      if (offset < highest) this.#disordered++;
    } else if (step !== undefined) {
      step.repeats++;
    }
    this.#highest[partition] = Math.max(highest, offset + 1);
    this.#next[partition] = offset + 1;
  }

  /** What comes from now on comes after one more fault. */
  mark(): void {
    this.#marks++;
  }
}
