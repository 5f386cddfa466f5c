/* WorkerWatch: whether the loop of one worker turns, looked at once a second. Main thread only.
 *
 *   well --no beat for silentLooks--> silent --for stuckLooks--> ended --for endLooks more--> hopeless
 *     ^------------- a beat -------------'
 *
 * It counts looks, not time: while the process is stopped, or this thread is busy itself, nobody looks,
 * and what a worker did not do meanwhile proves nothing.
 */
import { beatsOf } from '../channel/heartbeat.js';

/** How many looks, a second apart. Tests have others. */
export interface WatchLimits {
  /** Without a beat for so many: not ready. */
  readonly silentLooks: number;
  /** For so many: it is ended, to be replaced. */
  readonly stuckLooks: number;
  /** For so many after that: it cannot be ended, since it is not JavaScript where it is stuck. */
  readonly endLooks: number;
}

export const WATCH_LIMITS: WatchLimits = {
  // Five beats: a loaded machine has a thread wait for a second or two.
  silentLooks: 5,
  stuckLooks: 30,
  // Five minutes in all. librdkafka's end waits for its threads, and they for a resolver that hangs: 5 s, twice
  // for each name server and for each domain that is searched.
  endLooks: 270,
};

export type Sight =
  | { readonly kind: 'well' }
  | { readonly kind: 'silent'; readonly seconds: number }
  /** Said once each. */
  | { readonly kind: 'stuck' | 'hopeless'; readonly seconds: number };

export class WorkerWatch {
  readonly #limits: WatchLimits;
  readonly #memory: SharedArrayBuffer;
  #beats = 0;
  #looks = 0;

  /** @param memory its heartbeat */
  constructor(limits: WatchLimits, memory: SharedArrayBuffer) {
    this.#limits = limits;
    this.#memory = memory;
  }

  /** Once a second, from when it was started. */
  look(): Sight {
    const { silentLooks, stuckLooks, endLooks } = this.#limits;
    const beats = beatsOf(this.#memory);
    const hasBeaten = beats !== this.#beats;
    this.#beats = beats;
    // Ended is ended: what it still does while it goes changes nothing.
    if (hasBeaten && this.#looks < stuckLooks) this.#looks = 0;
    else this.#looks++;
    const seconds = this.#looks;
    if (seconds < silentLooks) return { kind: 'well' };
    if (seconds === stuckLooks) return { kind: 'stuck', seconds };
    if (seconds === stuckLooks + endLooks) return { kind: 'hopeless', seconds };
    return { kind: 'silent', seconds };
  }
}
