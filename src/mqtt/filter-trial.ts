/* FilterTrial: asks a server for topic filters, one after the other, over a connection that is there for
 * nothing else, and gives each up at once. Main thread only.
 *
 * One at a time, for some servers answer a filter that is not allowed by ending the connection, and then
 * it must be known which one it was.
 */
import type { Packet } from 'mqtt-packet';
import type { Clock } from '../base/clock.js';
import { reasonText, withReasonString } from './reason-code.js';
import { type Subscription, subscribePacket, unsubscribePacket } from './subscriptions.js';

export type TriedFilter =
  | { readonly kind: 'granted'; readonly qos: number }
  /** The reason is for people. */
  | { readonly kind: 'refused'; readonly reason: string }
  /** The connection ended, or there was no answer. */
  | { readonly kind: 'lost'; readonly reason: string };

export interface FilterTrialOptions {
  readonly subscriptions: readonly Subscription[];
  readonly timeoutMs: number;
  readonly withIdentifiers: boolean;
  readonly clock: Clock;
  readonly send: (packet: Packet) => void;
  /** Once, with an outcome for each subscription, up to the first that is lost. */
  readonly onEnded: (filters: readonly TriedFilter[]) => void;
}

/** Retain Handling: nothing that is retained is sent [section 3.8.3.1]. */
const NOTHING_RETAINED = 2;

export class FilterTrial {
  readonly #options: FilterTrialOptions;
  readonly #tried: TriedFilter[] = [];
  #cancelTimeout: () => void = () => {};
  #isOver = false;

  constructor(options: FilterTrialOptions) {
    this.#options = options;
  }

  start(): void {
    this.#next();
  }

  /** What is wrong with a packet that is neither AUTH nor DISCONNECT; undefined where it is right. */
  onPacket(packet: Packet): string | undefined {
    if (packet.cmd === 'unsuback') return undefined;
    if (packet.cmd === 'connack') return 'a second CONNACK';
    if (packet.cmd !== 'suback') return `a ${packet.cmd.toUpperCase()} that nobody awaits`;
    if (packet.messageId !== this.#packetId) {
      return `a SUBACK for packet identifier ${packet.messageId ?? 0}, which nobody awaits`;
    }
    if (packet.granted.length !== 1) {
      // [MQTT-3.8.4-6]
      return `a SUBACK with ${packet.granted.length} reason codes for one topic filter`;
    }
    const code = Number(packet.granted[0]);
    const reason = withReasonString(reasonText(code), packet.properties?.reasonString);
    if (code < 0x80) this.#giveUp();
    this.#answered(code < 0x80 ? { kind: 'granted', qos: code } : { kind: 'refused', reason });
    return undefined;
  }

  /** The connection is over. */
  onLost(reason: string): void {
    if (!this.#isOver) this.#end({ kind: 'lost', reason });
  }

  /** Of the SUBSCRIBE under way; that of its UNSUBSCRIBE is the one behind it. */
  get #packetId(): number {
    return 1 + 2 * this.#tried.length;
  }

  #next(): void {
    const { clock, send, subscriptions, timeoutMs, withIdentifiers } = this.#options;
    const subscription = subscriptions[this.#tried.length];
    if (subscription === undefined) {
      this.#end();
      return;
    }
    this.#cancelTimeout = clock.after(timeoutMs, () =>
      this.onLost(`no SUBACK within ${timeoutMs} ms`),
    );
    const packet = subscribePacket(subscription, this.#packetId, withIdentifiers);
    const [asked] = packet.subscriptions;
    send({ ...packet, subscriptions: asked ? [{ ...asked, rh: NOTHING_RETAINED }] : [] });
  }

  #giveUp(): void {
    const { send, subscriptions } = this.#options;
    const { filter } = subscriptions[this.#tried.length] as Subscription;
    send(unsubscribePacket([filter], this.#packetId + 1));
  }

  #answered(outcome: TriedFilter): void {
    this.#cancelTimeout();
    this.#tried.push(outcome);
    this.#next();
  }

  #end(last?: TriedFilter): void {
    this.#isOver = true;
    this.#cancelTimeout();
    if (last !== undefined) this.#tried.push(last);
    this.#options.onEnded(this.#tried);
  }
}
