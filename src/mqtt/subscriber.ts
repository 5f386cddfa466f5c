/* Subscriber: has the server take up the subscriptions of a session, and give up stale ones, over one
 * connection. Main thread only.
 *
 * A filter that the server refuses stops no other one: it is asked for again now and then, over the
 * same connection, until it is granted or the connection ends. An answer that nobody awaits, or that
 * does not answer what was asked, is an error of the protocol: `onSuback` and `onUnsuback` return it.
 */
import type { ISubackPacket, IUnsubackPacket, Packet } from 'mqtt-packet';
import type { Clock } from '../base/clock.js';
import { reasonText, withReasonString } from './reason-code.js';
import { type Subscription, subscribePacket, unsubscribePacket } from './subscriptions.js';

export interface SubscriberOptions {
  readonly subscriptions: readonly Subscription[];
  readonly staleFilters: readonly string[];
  readonly withIdentifiers: boolean;
  readonly clock: Clock;
  /** How long to wait before what was refused is asked for again. */
  readonly waitMs: () => number;
  readonly send: (packet: Packet) => void;
  /** The server has answered every SUBSCRIBE for the first time. */
  readonly onAnswered: () => void;
  /** A subscription is refused, or for another reason than before; undefined: granted after all. */
  readonly onRefused: (subscription: Subscription, reason: string | undefined) => void;
  readonly onUnsubscribed: () => void;
  readonly onWarning: (text: string) => void;
}

export class Subscriber {
  readonly #options: SubscriberOptions;
  /** By packet identifier, which is the same each time that it is asked for. */
  readonly #awaited = new Map<number, Subscription>();
  readonly #refused = new Map<Subscription, string>();
  #answered = false;
  #unsubackAwaited = false;
  #cancelRetry: () => void = () => {};

  constructor(options: SubscriberOptions) {
    this.#options = options;
  }

  start(): void {
    const { subscriptions, staleFilters, send } = this.#options;
    if (staleFilters.length > 0) {
      this.#unsubackAwaited = true;
      send(unsubscribePacket(staleFilters, this.#unsubscribeId));
    }
    for (const subscription of subscriptions) this.#ask(subscription);
    this.#onAnswer();
  }

  /** The connection is gone. */
  stop(): void {
    this.#cancelRetry();
  }

  /** The fault of the packet; undefined when it has none. */
  onSuback(packet: ISubackPacket): string | undefined {
    const packetId = packet.messageId ?? 0;
    const subscription = this.#awaited.get(packetId);
    if (subscription === undefined) {
      return `a SUBACK for packet identifier ${packetId}, which nobody awaits`;
    }
    if (packet.granted.length !== 1) {
      // [MQTT-3.8.4-6]
      return `a SUBACK with ${packet.granted.length} reason codes for one topic filter`;
    }
    this.#awaited.delete(packetId);
    const code = Number(packet.granted[0]);
    if (code >= 0x80) {
      const reason = withReasonString(reasonText(code), packet.properties?.reasonString);
      this.#onRefused(subscription, reason);
    } else {
      this.#onGranted(subscription, code);
    }
    this.#onAnswer();
    return undefined;
  }

  /** The fault of the packet; undefined when it has none. */
  onUnsuback(packet: IUnsubackPacket): string | undefined {
    const { onUnsubscribed, onWarning } = this.#options;
    if (!this.#unsubackAwaited || packet.messageId !== this.#unsubscribeId) {
      return `an UNSUBACK for packet identifier ${packet.messageId ?? 0}, which nobody awaits`;
    }
    this.#unsubackAwaited = false;
    // mqtt-packet's type has one reason code; it gives all of them.
    const refused = [packet.granted]
      .flat()
      .map(Number)
      .find((code) => code >= 0x80);
    if (refused === undefined) onUnsubscribed();
    else onWarning(`the broker refuses UNSUBSCRIBE: ${reasonText(refused)}`);
    return undefined;
  }

  /** Behind those of the subscriptions. */
  get #unsubscribeId(): number {
    return 1 + this.#options.subscriptions.length;
  }

  #ask(subscription: Subscription): void {
    const { subscriptions, send, withIdentifiers } = this.#options;
    const packetId = 1 + subscriptions.indexOf(subscription);
    this.#awaited.set(packetId, subscription);
    send(subscribePacket(subscription, packetId, withIdentifiers));
  }

  #onRefused(subscription: Subscription, reason: string): void {
    if (this.#refused.get(subscription) === reason) return;
    this.#refused.set(subscription, reason);
    this.#options.onRefused(subscription, reason);
  }

  #onGranted(subscription: Subscription, qos: number): void {
    // More than was asked for is an error of the broker's that harms nobody: a PUBLISH of QoS 2 ends
    // the connection when one comes, and never a connection that works before that.
    if (qos !== subscription.qos) {
      const filter = JSON.stringify(subscription.filter);
      this.#options.onWarning(
        `the broker grants QoS ${qos} for ${filter}, not ${subscription.qos}`,
      );
    }
    if (this.#refused.delete(subscription)) this.#options.onRefused(subscription, undefined);
  }

  /** Once nothing is awaited: what was refused has its next turn later. */
  #onAnswer(): void {
    if (this.#awaited.size > 0) return;
    if (this.#refused.size > 0) {
      const { clock, waitMs } = this.#options;
      this.#cancelRetry = clock.after(waitMs(), () => {
        for (const subscription of this.#refused.keys()) this.#ask(subscription);
      });
    }
    if (this.#answered) return;
    this.#answered = true;
    this.#options.onAnswered();
  }
}
