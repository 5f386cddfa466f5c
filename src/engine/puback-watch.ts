/* PubackWatch: whether the MQTT broker acknowledges what we publish: a broker that takes PUBLISHes, answers
 * PINGREQs and sends no PUBACK. Looks once a second, and counts looks as shard/worker-watch.ts does; nothing
 * is kept of a message. Main thread only.
 *
 * It only tells. The PUBLISH is not sent again over the same connection [MQTT-4.4.0-1], and another connection
 * would have the broker get all of them twice that is slow and not dead.
 */
import type { Clock } from '../base/clock.js';
import type { Session } from '../mqtt/session.js';

const LOOK_MS = 1000;
/** As long as a broker may take nothing from us. */
const SILENT_LOOKS = 30;

interface Seen {
  oldest: number;
  looks: number;
}

/** What of a session is looked at. */
export type WatchedSession = Pick<Session, 'paused'> & {
  readonly outbound: Pick<Session['outbound'], 'oldestSent'>;
};

export class PubackWatch<S extends WatchedSession> {
  readonly #clock: Clock;
  readonly #sessions: () => readonly S[];
  readonly #onSilent: (session: S, seconds: number) => void;
  readonly #seen = new Map<S, Seen>();
  #cancel: () => void = () => {};

  /** @param onSilent once a second while a PUBLISH has waited for too long; then once with 0 */
  constructor(
    clock: Clock,
    sessions: () => readonly S[],
    onSilent: (session: S, seconds: number) => void,
  ) {
    this.#clock = clock;
    this.#sessions = sessions;
    this.#onSilent = onSilent;
  }

  start(): void {
    this.#cancel = this.#clock.after(LOOK_MS, () => {
      for (const session of this.#sessions()) this.#look(session);
      this.start();
    });
  }

  stop(): void {
    this.#cancel();
  }

  #look(session: S): void {
    const seen = this.#seen.get(session) ?? { oldest: 0, looks: 0 };
    this.#seen.set(session, seen);
    // While nothing is read a PUBACK cannot be seen.
    if (session.paused) return;
    const { oldestSent } = session.outbound;
    const wasSilent = seen.looks >= SILENT_LOOKS;
    // An identifier comes again only after all others: it is the same PUBLISH.
    if (oldestSent !== 0 && oldestSent === seen.oldest) seen.looks++;
    else seen.looks = 0;
    seen.oldest = oldestSent;
    if (seen.looks >= SILENT_LOOKS) this.#onSilent(session, seen.looks);
    else if (wasSilent) this.#onSilent(session, 0);
  }
}
