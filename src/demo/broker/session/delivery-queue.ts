import { type Message, messageBytes } from '../message.js';

/** One message on its way to one session. */
export interface Delivery {
  readonly message: Message;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  /** Encoded, as in `OutgoingPublish`. */
  readonly subscriptionIdentifiers: Buffer;
}

export function deliveryBytes(delivery: Delivery): number {
  return messageBytes(delivery.message) + delivery.subscriptionIdentifiers.length;
}

/** First in, first out; taking is cheap, and what was taken is let go of. */
export class DeliveryQueue {
  #items: (Delivery | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(delivery: Delivery): void {
    this.#items.push(delivery);
  }

  peek(): Delivery | undefined {
    return this.#items[this.#head];
  }

  shift(): void {
    if (this.length === 0) return;
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items.length = 0;
      this.#head = 0;
    } else if (this.#head >= 1024 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
  }

  clear(): void {
    this.#items = [];
    this.#head = 0;
  }
}
