/* Inflight: the QoS 1 PUBLISHes that one session has received and not acknowledged. Outlives its
 * connections.
 *
 * 1. PUBACKs leave in the order in which the PUBLISHes came over this connection [MQTT-4.6.0-2].
 * 2. A packet identifier belongs to one delivery from its PUBLISH until its PUBACK is written.
 * 3. After a connection is lost, a delivery stays open. A PUBLISH that comes again with DUP over the
 *    next connection of a resumed session, with its identifier, is that delivery.
 * 4. A broker may give an identifier to another message once the first has expired in its hands. So
 *    what is not redelivered in its turn is forgotten: what is unacknowledged is resent when the
 *    session is resumed and at no other time [MQTT-4.4.0-1], by brokers before anything new. Thus the
 *    first PUBLISH without DUP ends it, and so does the end of that connection. To forget costs a
 *    duplicate; to join wrongly would acknowledge a message that nobody has.
 * 5. `pending` counts deliveries that are not settled, those of earlier connections too: it is what
 *    may not exceed the Receive Maximum that we announced.
 */
import { assert } from '../../base/assert.js';

const PACKET_IDS = 65_536;

/** What `receive` says of a PUBLISH. */
export const FRESH = 0;
/** It is a delivery that is open already: nothing is to be produced. */
export const JOINED = 1;
/** The packet identifier is in use on this very connection: the broker breaks the protocol. */
export const IN_USE = 2;
/** The broker sent more than the Receive Maximum allows: to be offered again after a PUBACK. */
export const EXCEEDED = 3;

export type WritePuback = (packetId: number, reasonCode: number) => void;

export class Inflight {
  readonly #capacity: number;
  readonly #writePuback: WritePuback;
  /** By packet identifier: delivery + 1, or 0. Zeroed pages cost nothing until they are used. */
  readonly #delivery = new Int32Array(PACKET_IDS);
  /** By packet identifier: reason code + 1 once settled, or 0. */
  readonly #reason = new Uint16Array(PACKET_IDS);
  /** By packet identifier: 1 while it waits for its turn on this connection. */
  readonly #queued = new Uint8Array(PACKET_IDS);
  /** Packet identifiers in order of receipt over this connection: a ring. */
  readonly #order: Uint16Array;
  /** Packet identifiers of the connection before that may be redelivered over this one: the first
   * `#awaitedCount` hold. */
  readonly #awaited: Uint16Array;
  /** By packet identifier: 1 where the broker may give the message up, because it expires. */
  readonly #expires = new Uint8Array(PACKET_IDS);
  #awaitedCount = 0;
  #first = 0;
  #count = 0;
  #pending = 0;
  /** Whether the server has accepted the connection at hand. */
  #connected = false;

  /** @param capacity the Receive Maximum that is announced, 1..65,535 */
  constructor(capacity: number, writePuback: WritePuback) {
    assert(capacity >= 1 && capacity <= 65_535, 'Receive Maximum out of range');
    this.#capacity = capacity;
    this.#order = new Uint16Array(capacity);
    this.#awaited = new Uint16Array(capacity);
    this.#writePuback = writePuback;
  }

  /** Deliveries that are not settled, of this connection and of earlier ones. */
  get pending(): number {
    return this.#pending;
  }

  /** Whether the session's credit is used up: wait before taking another PUBLISH. */
  get full(): boolean {
    return this.#pending >= this.#capacity;
  }

  /** PUBLISHes received over this connection and not acknowledged yet. */
  get unacknowledged(): number {
    return this.#count;
  }

  /** What a PUBLISH of QoS 1 is. FRESH must be followed by `open`; JOINED is in its place already. */
  receive(packetId: number, dup: boolean): number {
    if (!dup && this.#awaitedCount > 0) this.#endRedelivery();
    if (this.#queued[packetId] === 1) return IN_USE;
    if (this.#count === this.#capacity) return EXCEEDED;
    if (this.#delivery[packetId] === 0) return FRESH;
    this.#enqueue(packetId);
    this.#release();
    return JOINED;
  }

  /** The delivery with this packet identifier begins. */
  open(packetId: number, delivery: number, expires = false): void {
    this.#delivery[packetId] = delivery + 1;
    this.#expires[packetId] = expires ? 1 : 0;
    this.#reason[packetId] = 0;
    this.#pending++;
    this.#enqueue(packetId);
  }

  /** A delivery is settled: its PUBACK leaves as soon as it is at the front. */
  settle(packetId: number, delivery: number, reasonCode: number): void {
    this.#pending--;
    if (this.#delivery[packetId] !== delivery + 1) return;
    this.#reason[packetId] = reasonCode + 1;
    this.#release();
  }

  /** A delivery whose fate is unknown has ended. True: its PUBACK was still due. */
  abandon(packetId: number, delivery: number): boolean {
    this.#pending--;
    return this.disown(packetId, delivery);
  }

  /**
   * A delivery whose fate is unknown, also while parts of it are open: its redelivery is a message of
   * its own. True: its PUBACK was still due, so the connection has to end to get that redelivery.
   */
  disown(packetId: number, delivery: number): boolean {
    if (this.#delivery[packetId] !== delivery + 1) return false;
    this.forget(packetId);
    return true;
  }

  /** The server has accepted a connection; without Session Present no packet identifier means anything. */
  onConnected(sessionPresent: boolean): void {
    this.#connected = true;
    if (sessionPresent) return;
    this.#awaitedCount = 0;
    this.#delivery.fill(0);
    this.#reason.fill(0);
  }

  /** The connection is gone, or could not be made: the order is the next one's. */
  onDisconnected(): void {
    // Over a connection that was not accepted nothing could be redelivered.
    if (!this.#connected) return;
    this.#connected = false;
    this.#keepAwaited();
    while (this.#count > 0) this.#await(this.#dequeue());
    this.#first = 0;
  }

  /** The packet identifier is nobody's; an open delivery of it is settled without a PUBACK. */
  forget(packetId: number): void {
    this.#delivery[packetId] = 0;
    this.#reason[packetId] = 0;
  }

  /** What was not redelivered never will be: its identifier may be another message's by now. What is
   * open of it keeps its credit until it is settled, and then concerns nobody. */
  #endRedelivery(): void {
    for (let i = 0; i < this.#awaitedCount; i++) {
      const packetId = this.#awaited[i] as number;
      if (this.#queued[packetId] === 0) this.forget(packetId);
    }
    this.#awaitedCount = 0;
  }

  /**
   * The connection ended before all was redelivered. What can expire may have been given up by the broker,
   * and another message sent under its identifier that was lost with the connection: it is forgotten. All
   * else the broker has to send again [MQTT-4.4.0-1].
   */
  #keepAwaited(): void {
    const before = this.#awaitedCount;
    this.#awaitedCount = 0;
    for (let i = 0; i < before; i++) {
      const packetId = this.#awaited[i] as number;
      if (this.#queued[packetId] === 1 || this.#delivery[packetId] === 0) continue;
      if (this.#expires[packetId] === 1) this.forget(packetId);
      else this.#await(packetId);
    }
  }

  /** One more than the Receive Maximum is a broker's that keeps no rules. */
  #await(packetId: number): void {
    if (this.#awaitedCount === this.#capacity) this.forget(packetId);
    else this.#awaited[this.#awaitedCount++] = packetId;
  }

  #enqueue(packetId: number): void {
    assert(this.#count < this.#capacity, 'more PUBLISHes than the Receive Maximum');
    let at = this.#first + this.#count;
    if (at >= this.#capacity) at -= this.#capacity;
    this.#order[at] = packetId;
    this.#queued[packetId] = 1;
    this.#count++;
  }

  #dequeue(): number {
    const packetId = this.#order[this.#first] as number;
    this.#first = this.#first + 1 === this.#capacity ? 0 : this.#first + 1;
    this.#count--;
    this.#queued[packetId] = 0;
    return packetId;
  }

  #release(): void {
    while (this.#count > 0) {
      const packetId = this.#order[this.#first] as number;
      const reason = this.#reason[packetId] as number;
      if (reason === 0) return;
      this.#dequeue();
      this.forget(packetId);
      this.#writePuback(packetId, reason - 1);
    }
  }
}
