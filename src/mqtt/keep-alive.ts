/* Keep Alive, section 3.1.2.10: sends PINGREQ when nothing else was sent or nothing was heard, and ends a
 * connection on which no packet comes to its end: half-open, or one that drips. A packet that takes long
 * may do so, as long as it comes on. While reading is paused, silence is our own doing and proves nothing.
 * Counts PINGREQs against PINGRESPs: a flood of answers that nobody asked for is no keep alive.
 */
import type { Clock } from '../base/clock.js';

/** A packet that comes faster than this comes over a slow network; slower, from nobody who means it. */
const BYTES_PER_SECOND_MIN = 32;

/** An interval: we look twice in one. */
const LOOKS_MAX = 2;

/**
 * How often we look whether the server is there, in seconds, 0 for never. PINGREQ may be sent at any time
 * [section 3.1.2.10], so a server that asks for a longer Keep Alive than ours, or for none, is asked all
 * the same.
 *
 * @param ours the Keep Alive of CONNECT
 * @param servers the Server Keep Alive of CONNACK; undefined: it had none
 */
export function pingSeconds(ours: number, servers: number | undefined): number {
  if (servers === undefined || servers === 0) return ours;
  return ours === 0 ? servers : Math.min(ours, servers);
}

export class KeepAlive {
  readonly #clock: Clock;
  readonly #sendPing: () => void;
  readonly #onSilent: (reason: string) => void;
  #intervalMs = 0;
  #sentMs = 0;
  /** When the first PINGREQ that is not answered yet was sent; 0 when there is none. */
  #pingMs = 0;
  /** Looks since then at which reading was not paused. */
  #looks = 0;
  /** PINGREQs that have no PINGRESP yet, and one that may come to nothing. */
  #answersOpen = 1;
  /** Since then, or since it was seen that they come fast enough: of packets that are not at their end. */
  #heardBytes = 0;
  /** Whether a packet came since the last look. */
  #heard = false;
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
    this.#heard = true;
    if (seconds > 0) this.#schedule();
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => {};
  }

  onSent(): void {
    this.#sentMs = this.#clock.monotonicMs();
  }

  /** A packet has come. */
  onReceived(): void {
    this.#pingMs = 0;
    this.#heardBytes = 0;
    this.#heard = true;
  }

  /** Bytes have come that are the end of no packet. */
  onHeard(bytes: number): void {
    this.#heardBytes += bytes;
  }

  /** A PINGRESP. False: more of them have come than were asked for. */
  onPingresp(): boolean {
    this.#answersOpen--;
    return this.#answersOpen >= 0;
  }

  /** Reading begins again after a pause. */
  onReading(): void {
    this.#paused = false;
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
    const isAwaiting = this.#pingMs > 0;
    // After a pause the answer may still lie in the socket.
    this.#looks = this.#paused ? 0 : this.#looks + 1;
    if (isAwaiting && this.#looks >= LOOKS_MAX) {
      if (this.#heardBytes < (this.#intervalMs / 1000) * BYTES_PER_SECOND_MIN) {
        this.#onSilent(this.#silence(now));
        return;
      }
      this.#beginLooks();
    }
    // A timer may fire a little early.
    const isIdle = now - this.#sentMs >= this.#intervalMs / 2 - 10;
    if (isIdle || (!isAwaiting && !this.#heard)) {
      this.#answersOpen++;
      this.#sendPing();
      if (!isAwaiting && !this.#paused) {
        this.#pingMs = now;
        this.#beginLooks();
      }
    }
    this.#heard = false;
    this.#schedule();
  }

  #beginLooks(): void {
    this.#looks = 0;
    this.#heardBytes = 0;
  }

  #silence(nowMs: number): string {
    const seconds = Math.round((nowMs - this.#pingMs) / 1000);
    const what = this.#heardBytes === 0 ? 'nothing' : `${this.#heardBytes} bytes of a packet`;
    return `${what} heard for ${seconds} s after PINGREQ`;
  }
}
