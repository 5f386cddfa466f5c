import type { Clock } from '../../base/clock.js';

/** Watches over the Keep Alive of one connection: `onTimeout` is called once, when nothing came for
 * one and a half times the interval [MQTT-3.1.2-22]. An interval of 0 is not watched. */
export class KeepAlive {
  readonly #clock: Clock;
  readonly #limitMs: number;
  readonly #onTimeout: () => void;
  #lastMs: number;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, intervalSeconds: number, onTimeout: () => void) {
    this.#clock = clock;
    this.#limitMs = intervalSeconds * 1500;
    this.#onTimeout = onTimeout;
    this.#lastMs = clock.monotonicMs();
    if (this.#limitMs > 0) this.#wait(this.#limitMs);
  }

  /** Something came. */
  touch(): void {
    this.#lastMs = this.#clock.monotonicMs();
  }

  stop(): void {
    this.#cancel();
  }

  /** The timer is set again only when it fires: `touch` is called for every chunk. */
  #wait(delayMs: number): void {
    this.#cancel = this.#clock.after(delayMs, () => {
      const leftMs = this.#lastMs + this.#limitMs - this.#clock.monotonicMs();
      if (leftMs > 0) this.#wait(leftMs);
      else this.#onTimeout();
    });
  }
}
