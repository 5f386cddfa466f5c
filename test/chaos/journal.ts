/* What publishers did. A message is a key, its number within that key, and how many times the publisher
 * had sent it before: a publisher that lost its connection sends again what was not acknowledged, and
 * what is doubled by that is not the connector's doing. Shares no code with src/. */

/** What was published with one key, the MQTT topic: numbers from 0. */
export class KeyJournal {
  readonly key: string;
  readonly #acknowledged: boolean[] = [];
  readonly #attempts: number[] = [];
  /** Numbers without a PUBACK. */
  #open = 0;

  constructor(key: string) {
    this.key = key;
  }

  /** How many numbers there are. */
  get count(): number {
    return this.#attempts.length;
  }

  /** Numbers of which no attempt is acknowledged. */
  get open(): number {
    return this.#open;
  }

  /** Opens the next number. */
  next(): number {
    this.#acknowledged.push(false);
    this.#open++;
    return this.#attempts.push(0) - 1;
  }

  /** A number is about to be sent. @returns how many times it had been sent before */
  attempt(number: number): number {
    const before = this.#attempts[number];
    if (before === undefined) throw new Error(`${this.key} has no number ${number}`);
    this.#attempts[number] = before + 1;
    return before;
  }

  /** How many times a number was sent. */
  attempts(number: number): number {
    return this.#attempts[number] ?? 0;
  }

  /** The MQTT broker has said that it has it: a PUBACK with success. */
  acknowledge(number: number): void {
    if (this.#acknowledged[number] === false) this.#open--;
    this.#acknowledged[number] = true;
  }

  isAcknowledged(number: number): boolean {
    return this.#acknowledged[number] === true;
  }
}

export interface Identity {
  readonly key: string;
  readonly number: number;
  readonly attempt: number;
}

const FILLER = 'the quick brown fox jumps over the lazy dog; '.repeat(40_000);
/** Prime to the length of the filler's text, so that neighbours differ. */
const FILLER_STEP = 7;

/**
 * A payload that says whose it is and of which every byte is known.
 * @param bytes its length, where what it has to say is not longer
 */
export function payloadOf({ key, number, attempt }: Identity, bytes: number): string {
  const head = `${key} ${number} ${attempt} ${bytes} `;
  const from = (number * FILLER_STEP) % 45;
  return head + FILLER.slice(from, from + Math.max(0, bytes - head.length));
}

/** Undefined: no publisher wrote this, or not all of it. */
export function readPayload(payload: Buffer): Identity | undefined {
  const words = /^(\S+) (\d+) (\d+) (\d+) /.exec(payload.toString('latin1', 0, 200));
  if (words === null) return undefined;
  const [, key = '', number, attempt, bytes] = words;
  const identity = { key, number: Number(number), attempt: Number(attempt) };
  return payload.toString('latin1') === payloadOf(identity, Number(bytes)) ? identity : undefined;
}
