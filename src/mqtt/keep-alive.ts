/* Keep Alive, section 3.1.2.10: sends PINGREQ when nothing else was sent, and ends a connection on
 * which nothing is heard. While reading is paused, silence is our own doing and proves nothing.
 * Counts PINGREQs against PINGRESPs: a flood of answers that nobody asked for is no keep alive.
 */
import type { Clock } from '../base/clock.js';

export class KeepAlive {
  readonly #clock: Clock;
  readonly #sendPing: () => void;
  readonly #onSilent: (reason: string) => void;
  #intervalMs = 0;
  #sentMs = 0;
  /** When the PINGREQ that is not answered yet was sent; 0 when there is none. */
  #pingMs = 0;
  /** PINGREQs that have no PINGRESP yet, and one that may come to nothing. */
  #answersOpen = 1;
  #paused = false;
  #cancel: () => void = () => {};

  constructor(clock: Clock, sendPing: () => void, onSilent: (reason: string) => void) {
    this.#clock = clock;
    this.#sendPing = sendPing;
    this.#onSilent = onSilent;
  }

  /** @param seconds the interval in force; 0 turns it off */
  start(seconds: number): void {
    this.#cancel();
    this.#intervalMs = seconds * 1000;
    this.#sentMs = this.#clock.monotonicMs();
    this.#pingMs = 0;
    if (seconds > 0) this.#schedule();
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  onSent(): void {
    this.#sentMs = this.#clock.monotonicMs();
  }

  onReceived(): void {
    this.#pingMs = 0;
  }

  /** A PINGRESP. False: more of them have come than were asked for. */
  onPingresp(): boolean {
    this.#answersOpen--;
    return this.#answersOpen >= 0;
  }

  /** Reading begins again after a pause: the answer may still lie in the socket. */
  onReading(): void {
    this.#paused = false;
    if (this.#pingMs > 0) this.#pingMs = this.#clock.monotonicMs();
  }

  /** Reading is paused: an answer cannot be seen. PINGREQs go on: the server waits for them. */
  onPaused(): void {
    this.#paused = true;
  }

  #schedule(): void {
    // Twice in an interval, so that the server, which waits one and a half, always hears in time.
    this.#cancel = this.#clock.after(this.#intervalMs / 2, () => this.#onTick());
  }

  #onTick(): void {
    const now = this.#clock.monotonicMs();
    const awaited = this.#pingMs > 0 && !this.#paused;
    if (awaited && now - this.#pingMs >= this.#intervalMs * 0.9) {
      this.#onSilent(
        `nothing heard for ${Math.round((now - this.#pingMs) / 1000)} s after PINGREQ`,
      );
      return;
    }
    // A timer may fire a little early.
    if (!awaited && now - this.#sentMs >= this.#intervalMs / 2 - 10) {
      this.#answersOpen++;
      this.#sendPing();
      if (!this.#paused) this.#pingMs = now;
    }
    this.#schedule();
  }
}
