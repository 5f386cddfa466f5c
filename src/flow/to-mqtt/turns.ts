/* Turns: which routes send next, and for how long before everything else on this thread has its own turn. Routes of
 * one session share what its broker takes. Main thread only.
 */
import type { Clock } from '../../base/clock.js';
import type { Session } from '../../mqtt/session.js';
import type { RecordFlow } from './record-flow.js';

/** How often routes that wait for room that nobody tells of look again. */
const LOOK_AGAIN_MS = 20;
/** Turns before everything else on this thread has its own. */
const TURNS_MAX = 64;

export interface TurnsOptions {
  readonly flows: readonly RecordFlow[];
  readonly clock: Clock;
  /** One turn of a route: sends what it has, as much as one turn is. True: there may be more to send now. */
  readonly pump: (flow: RecordFlow) => boolean;
  /** After the last turn of a route. */
  readonly afterBatch: (flow: RecordFlow) => void;
}

export class Turns {
  readonly #options: TurnsOptions;
  /** Whose turn is first the next time. */
  #turn = 0;
  /** Sessions that have more to send than was their turn. */
  readonly #unfinished = new Set<Session>();
  /** Whether a look at what waits is due. */
  #looking = false;

  constructor(options: TurnsOptions) {
    this.#options = options;
  }

  /** Sends what the routes of a session have, each in its turn; with more than that, goes on soon. */
  run(session: Session): void {
    const { flows, pump, afterBatch } = this.#options;
    this.#turn++;
    let more = true;
    for (let turns = 0; more && turns < TURNS_MAX; turns++) {
      more = false;
      for (let i = 0; i < flows.length; i++) {
        const flow = flows[(this.#turn + i) % flows.length] as RecordFlow;
        if (flow.session === session && pump(flow)) more = true;
      }
    }
    for (const flow of flows) if (flow.session === session) afterBatch(flow);
    if (more) this.#goOnSoon(session);
  }

  /** Runs all sessions in a moment: their room comes back in ways that tell nobody. */
  lookAgain(): void {
    if (this.#looking) return;
    this.#looking = true;
    const { flows, clock } = this.#options;
    clock.after(LOOK_AGAIN_MS, () => {
      this.#looking = false;
      for (const session of new Set(flows.map((flow) => flow.session))) this.run(session);
    });
  }

  /** Nobody rings for what is left in a ring: neither its consumer, nor at QoS 0 the broker. */
  #goOnSoon(session: Session): void {
    if (this.#unfinished.has(session)) return;
    this.#unfinished.add(session);
    this.#options.clock.after(0, () => {
      this.#unfinished.delete(session);
      this.run(session);
    });
  }
}
