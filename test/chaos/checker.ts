/* The verdict on what is in Kafka, from what publishers wrote down. Independent: nothing here, or that it
 * imports, is of src/ (checker.test.ts sees to that). */
import { type KeyJournal, readPayload } from './journal.js';

/** A record as it is in Kafka. */
export interface FoundRecord {
  readonly partition: number;
  readonly offset: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

export interface Verdict {
  readonly records: number;
  /** Numbers that publishers opened, and those of them with a PUBACK. */
  readonly published: number;
  readonly acknowledged: number;
  /** Numbers that are there at least once. */
  readonly found: number;
  /** With a PUBACK, and not there. */
  readonly lost: number;
  /** There, and a later number of the same key came first. */
  readonly disordered: number;
  /** Records beyond the first of what was published once. */
  readonly repeats: number;
  /** Records beyond the first of their number that a publisher sent again. */
  readonly resent: number;
  /** Records that nobody published as they are, or under another key. */
  readonly altered: number;
  /** Keys of which there are records in more than one partition. */
  readonly strayed: number;
  /** The first of what is wrong, in words. */
  readonly examples: readonly string[];
}

const EXAMPLES_MAX = 20;

interface KeyState {
  readonly journal: KeyJournal;
  /** By number: the attempts that came, a bit each; beyond 30 attempts they share one. */
  readonly came: Map<number, number>;
  readonly partitions: Set<number>;
  highest: number;
}

export class Checker {
  readonly #keys: Map<string, KeyState>;
  readonly #examples: string[] = [];
  #records = 0;
  #disordered = 0;
  #repeats = 0;
  #resent = 0;
  #altered = 0;

  constructor(journals: readonly KeyJournal[]) {
    this.#keys = new Map(
      journals.map((journal) => [
        journal.key,
        { journal, came: new Map(), partitions: new Set(), highest: -1 },
      ]),
    );
  }

  /** The next record; those of one partition in their order. */
  add(record: FoundRecord): void {
    this.#records++;
    const place = `${record.partition}/${record.offset}`;
    const identity = record.value === null ? undefined : readPayload(record.value);
    const state = identity === undefined ? undefined : this.#keys.get(identity.key);
    if (identity === undefined || state === undefined || `${record.key}` !== identity.key) {
      this.#altered++;
      this.#tell(`${place}: nobody published this (key ${record.key})`);
      return;
    }
    const { key, number, attempt } = identity;
    if (attempt >= state.journal.attempts(number)) {
      this.#altered++;
      this.#tell(`${place}: ${key} ${number} was not sent ${attempt + 1} time(s)`);
      return;
    }
    state.partitions.add(record.partition);
    const bit = 1 << Math.min(attempt, 30);
    const before = state.came.get(number) ?? 0;
    if (before === 0) this.#first(state, number, place);
    else if ((before & bit) !== 0) this.#repeats++;
    else this.#resent++;
    state.came.set(number, before | bit);
  }

  verdict(): Verdict {
    let [published, acknowledged, found, lost, strayed] = [0, 0, 0, 0, 0];
    const examples = [...this.#examples];
    for (const { journal, came, partitions } of this.#keys.values()) {
      published += journal.count;
      found += came.size;
      for (let number = 0; number < journal.count; number++) {
        if (!journal.isAcknowledged(number)) continue;
        acknowledged++;
        if (came.has(number)) continue;
        lost++;
        examples.push(`lost: ${journal.key} ${number}`);
      }
      if (partitions.size <= 1) continue;
      strayed++;
      examples.push(`${journal.key} is in partitions ${[...partitions].join()}`);
    }
    return {
      ...{ records: this.#records, published, acknowledged, found, lost },
      ...{ disordered: this.#disordered, repeats: this.#repeats, resent: this.#resent },
      ...{ altered: this.#altered, strayed, examples: examples.slice(0, EXAMPLES_MAX) },
    };
  }

  #first(state: KeyState, number: number, place: string): void {
    if (number < state.highest) {
      this.#disordered++;
      this.#tell(`${place}: ${state.journal.key} ${number} comes behind ${state.highest}`);
    }
    state.highest = Math.max(state.highest, number);
  }

  #tell(text: string): void {
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push(text);
  }
}

/** What a run was like, for judging what the checker found. */
export interface Circumstances {
  /** How many records may have come again: what was in flight whenever a connection or the process ended. */
  readonly repeatsMax: number;
  /** A Kafka broker was killed, stopped or paused with acks one: loss and order are not promised. */
  readonly mayLose: boolean;
}

/** What breaks a promise; empty: the run is clean. */
export function judge(verdict: Verdict, { repeatsMax, mayLose }: Circumstances): string[] {
  const { lost, disordered, repeats, altered, strayed, acknowledged } = verdict;
  const broken: string[] = [];
  if (acknowledged === 0) broken.push('nothing was published');
  if (lost > 0 && !mayLose) broken.push(`${lost} acknowledged message(s) lost`);
  if (disordered > 0 && !mayLose) broken.push(`${disordered} message(s) out of order`);
  if (altered > 0) broken.push(`${altered} record(s) that nobody published`);
  if (strayed > 0) broken.push(`${strayed} key(s) in more than one partition`);
  if (repeats > repeatsMax)
    broken.push(
      `${repeats} record(s) came again, where ${repeatsMax} were in flight at the faults`,
    );
  return broken;
}
