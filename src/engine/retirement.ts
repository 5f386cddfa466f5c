/* Retirement: the end of a session that is no longer configured. The broker would go on storing messages
 * for it, and a shared subscription would go on dealing it its share. So: UNSUBSCRIBE, take what arrives
 * until it is quiet and all of it is settled, then DISCONNECT with Session Expiry Interval 0.
 */
import type { Clock } from '../base/clock.js';
import type { Session } from '../mqtt/session.js';

const QUIET_MS = 2000;

export class Retirement {
  readonly #session: Session;
  readonly #clock: Clock;
  readonly #onDone: () => void;
  #cancel: () => void = () => {};
  #lastPublishMs = 0;

  /** @param onDone once the broker has been told to forget the session */
  constructor(session: Session, clock: Clock, onDone: () => void) {
    this.#session = session;
    this.#clock = clock;
    this.#onDone = onDone;
  }

  onPublish(): void {
    this.#lastPublishMs = this.#clock.monotonicMs();
  }

  /** The broker deals the session nothing new from here on. */
  onUnsubscribed(): void {
    this.#lastPublishMs = this.#clock.monotonicMs();
    this.#watch();
  }

  /** The connection is gone: the next one begins again with UNSUBSCRIBE. */
  stop(): void {
    this.#cancel();
  }

  #watch(): void {
    this.#cancel();
    this.#cancel = this.#clock.after(QUIET_MS, () => {
      const quiet = this.#clock.monotonicMs() - this.#lastPublishMs >= QUIET_MS;
      if (!quiet || this.#session.inflight.pending > 0 || this.#session.paused) {
        this.#watch();
        return;
      }
      this.#session.stop('retired: it is no longer configured', true);
      this.#onDone();
    });
  }
}
