import { assert } from '../../../base/assert.js';
import type { Counters } from '../counters.js';
import { isExpired, type Message } from '../message.js';
import type { Settings } from '../options.js';
import type { Subscription } from '../topic/subscription-index.js';
import { type Delivery, DeliveryQueue, deliveryBytes } from './delivery-queue.js';

/* What outlives a connection: subscriptions, messages that wait, and QoS 1 messages in flight.
 *
 * 1. A message waits in the queue until there is a connection with room, and at QoS 1 credit under
 *    the client's Receive Maximum [MQTT-3.3.4-9]; nothing overtakes it.
 * 2. `#inFlight` keeps the order of first sending. A new connection first gets all of it again, with
 *    DUP and the same packet identifiers, in that order [MQTT-4.4.0-1]: `#unsent` is what is left.
 * 3. Credit counts what was sent over this connection and not acknowledged yet.
 * 4. Queued messages are at most `queueMessagesMax`; queued and in flight together hold at most
 *    `queueBytesMax` bytes. Beyond that the newest is dropped.
 */

/** How a session reaches its client: the sending side of a connection. */
export interface Link {
  readonly receiveMaximum: number;
  readonly hasRoom: boolean;
  /** False where the PUBLISH exceeds the client's Maximum Packet Size: it was not sent. */
  sendPublish(delivery: Delivery, packetId: number, dup: boolean): boolean;
}

interface InFlight {
  readonly delivery: Delivery;
  /** Over the present connection. */
  sent: boolean;
}

export interface SessionContext {
  readonly settings: Settings;
  readonly counters: Counters;
  /** Clients whose PUBLISHes are held. */
  readonly held: ReadonlySet<string>;
}

const packetIdMax = 65_535;

export class Session {
  readonly clientId: string;
  readonly subscriptions = new Map<string, Subscription>();
  expirySeconds = 0;
  readonly #context: SessionContext;
  readonly #queue = new DeliveryQueue();
  readonly #inFlight = new Map<number, InFlight>();
  #unsent: number[] = [];
  #link: Link | undefined;
  #credit = 0;
  #heldBytes = 0;
  #lastPacketId = 0;

  constructor(clientId: string, context: SessionContext) {
    this.clientId = clientId;
    this.#context = context;
  }

  get connected(): boolean {
    return this.#link !== undefined;
  }

  get queued(): number {
    return this.#queue.length;
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** Starts sending over `link`; what is in flight goes first. */
  attach(link: Link): void {
    this.#link = link;
    this.#credit = link.receiveMaximum;
    for (const entry of this.#inFlight.values()) entry.sent = false;
    this.#unsent = [...this.#inFlight.keys()];
    this.pump();
  }

  /** Stops sending, if `link` is still the one in use. */
  detach(link: Link): void {
    if (this.#link === link) this.#link = undefined;
  }

  /** Takes a message for the client, or drops it and returns false. */
  offer(delivery: Delivery): boolean {
    const { settings, counters } = this.#context;
    if (this.#link === undefined && delivery.qos === 0 && !settings.queueQos0) {
      counters.dropped.offline += 1;
      return false;
    }
    const bytes = deliveryBytes(delivery);
    const full = this.#queue.length >= settings.queueMessagesMax;
    if (full || this.#heldBytes + bytes > settings.queueBytesMax) {
      counters.dropped.queueFull += 1;
      return false;
    }
    this.#queue.push(delivery);
    this.#heldBytes += bytes;
    this.pump();
    return true;
  }

  /** A PUBACK came; returns the message, or `undefined` for an unknown packet identifier. */
  acknowledge(packetId: number): Message | undefined {
    const entry = this.#inFlight.get(packetId);
    if (entry === undefined) return undefined;
    this.#forget(packetId, entry);
    this.pump();
    return entry.delivery.message;
  }

  /** Sends until something stands in the way. */
  pump(): void {
    const link = this.#link;
    if (link === undefined || this.#context.held.has(this.clientId)) return;
    while (link.hasRoom && this.#sendNext(link)) {
      // `#sendNext` makes the progress; both bounds end the loop.
    }
  }

  /** The session is over: everything that it held is dropped. */
  end(): void {
    this.#context.counters.dropped.sessionEnded += this.#queue.length + this.#inFlight.size;
    this.#queue.clear();
    this.#inFlight.clear();
    this.#unsent = [];
    this.#heldBytes = 0;
    this.#link = undefined;
  }

  /** False where nothing more can be sent for now. */
  #sendNext(link: Link): boolean {
    if (this.#unsent.length > 0) return this.#resendNext(link);
    const delivery = this.#queue.peek();
    if (delivery === undefined) return false;
    const { counters, settings } = this.#context;
    if (isExpired(delivery.message, settings.clock)) {
      this.#dequeue(delivery);
      counters.dropped.expired += 1;
      return true;
    }
    if (delivery.qos === 1 && this.#credit === 0) return false;
    const packetId = delivery.qos === 1 ? this.#freePacketId() : 0;
    if (!link.sendPublish(delivery, packetId, false)) {
      this.#dequeue(delivery);
      counters.dropped.tooLarge += 1;
      return true;
    }
    counters.delivered += 1;
    this.#queue.shift();
    if (delivery.qos === 0) {
      this.#heldBytes -= deliveryBytes(delivery);
      return true;
    }
    this.#lastPacketId = packetId;
    this.#inFlight.set(packetId, { delivery, sent: true });
    this.#credit -= 1;
    return true;
  }

  #resendNext(link: Link): boolean {
    const packetId = this.#unsent[0] ?? 0;
    const entry = this.#inFlight.get(packetId);
    if (entry !== undefined) {
      if (this.#credit === 0) return false;
      if (link.sendPublish(entry.delivery, packetId, true)) {
        entry.sent = true;
        this.#credit -= 1;
        this.#context.counters.redelivered += 1;
      } else {
        this.#forget(packetId, entry);
        this.#context.counters.dropped.tooLarge += 1;
      }
    }
    this.#unsent.shift();
    return true;
  }

  #dequeue(delivery: Delivery): void {
    this.#queue.shift();
    this.#heldBytes -= deliveryBytes(delivery);
  }

  #forget(packetId: number, entry: InFlight): void {
    this.#inFlight.delete(packetId);
    this.#heldBytes -= deliveryBytes(entry.delivery);
    if (entry.sent) this.#credit += 1;
  }

  #freePacketId(): number {
    // Receive Maximum is at most 65,535 and all of `#inFlight` counts against it here (2, 3).
    assert(this.#inFlight.size < packetIdMax, 'credit bounds the packet identifiers in use');
    let packetId = this.#lastPacketId;
    do {
      packetId = packetId === packetIdMax ? 1 : packetId + 1;
    } while (this.#inFlight.has(packetId));
    return packetId;
  }
}
