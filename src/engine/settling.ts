/* Settling: the part of a stop in which what is in flight may still be acknowledged. Says what it waits
 * for, soon and every few seconds, and what was left in the end. Main thread only.
 */
import type { Clock } from '../base/clock.js';
import type { Log } from '../base/log.js';
import type { Ledger } from '../delivery/ledger.js';
import type { Match } from '../flow/to-kafka/routes.js';

/** With a Kafka that answers it is over by then, and there is nothing to tell. */
const FIRST_TELL_MS = 500;
const TELL_MS = 5000;

export interface SettlingOptions {
  readonly ledger: Ledger<Match>;
  /** Client identifiers, by the index of their session. */
  readonly sessions: readonly string[];
  /** Records of Kafka's that are on their way to MQTT. */
  readonly publishes: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is open, for the log. */
interface Open {
  readonly deliveries: number;
  readonly publishes: number;
  /** How many of them each route has a part in. */
  readonly routes: Readonly<Record<string, number>>;
  readonly sessions: Readonly<Record<string, number>>;
  readonly oldestSeconds: number;
}

export class Settling {
  readonly #options: SettlingOptions;
  /** Ends the wait when nothing is open; does nothing before and after it. */
  #look: () => void = () => {};

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** To be called after each burst of settlements. */
  onSettled(): void {
    this.#look();
  }

  /** Resolves when nothing is in flight any more, or after `timeoutMs`. */
  wait(timeoutMs: number): Promise<void> {
    const { clock, log } = this.#options;
    if (this.#isSettled) return Promise.resolve();
    const endMs = clock.monotonicMs() + timeoutMs;
    const secondsLeft = () => Math.max(0, Math.round((endMs - clock.monotonicMs()) / 1000));
    return new Promise((resolve) => {
      let cancelTell = () => {};
      const end = () => {
        this.#look = () => {};
        cancelTell();
        cancelTimeout();
        resolve();
      };
      const cancelTimeout = clock.after(timeoutMs, () => {
        log.warn(this.#open(), 'stopping: not settled in time; QoS 1 is sent again');
        end();
      });
      const tellAfter = (delayMs: number) => {
        cancelTell = clock.after(delayMs, () => {
          log.warn(
            { ...this.#open(), secondsLeft: secondsLeft() },
            'stopping: waits for what is in flight to be acknowledged',
          );
          tellAfter(TELL_MS);
        });
      };
      this.#look = () => {
        if (this.#isSettled) end();
      };
      tellAfter(FIRST_TELL_MS);
    });
  }

  get #isSettled(): boolean {
    const { ledger, publishes } = this.#options;
    return ledger.openCount === 0 && publishes() === 0;
  }

  #open(): Open {
    const { ledger, sessions, publishes, clock } = this.#options;
    const byRoute: Record<string, number> = {};
    const bySession: Record<string, number> = {};
    let oldestMs = clock.monotonicMs();
    for (let id = 0; id < ledger.capacity; id++) {
      if (!ledger.isOpen(id)) continue;
      const session = sessions[ledger.sessionIndex[id] as number] as string;
      bySession[session] = (bySession[session] ?? 0) + 1;
      for (const { name } of ledger.context(id).routes) byRoute[name] = (byRoute[name] ?? 0) + 1;
      oldestMs = Math.min(oldestMs, ledger.openedMs[id] as number);
    }
    return {
      deliveries: ledger.openCount,
      publishes: publishes(),
      routes: byRoute,
      sessions: bySession,
      oldestSeconds: Math.round((clock.monotonicMs() - oldestMs) / 1000),
    };
  }
}
