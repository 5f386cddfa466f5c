/* OutgoingInflight: the QoS 1 PUBLISHes that one session has sent and that are not acknowledged: packet
 * identifiers, and the order in which they are sent again. Outlives its connections.
 *
 *   in order:  | sent over this connection ... | not yet sent over it ... |
 *                                                unsent
 *   free ----> sent --PUBACK--> free         sent --connection lost, session kept--> again
 *                                     sent, again --session lost--> anew, under another identifier
 *
 * 1. A packet identifier belongs to one PUBLISH from when it is taken until its PUBACK [MQTT-2.2.1-3],
 *    or until the session is lost.
 * 2. The one that has been free for longest is taken next, so that a PUBACK which comes twice, or late,
 *    meets an identifier that nobody has.
 * 3. What is to be sent again keeps its order [MQTT-4.6.0-1]; nothing new is opened before it is sent.
 */
import { assert } from '../../base/assert.js';

const PACKET_IDS = 65_536;

const FREE = 0;
/** Sent over this connection. */
const SENT = 1;
/** Sent over an earlier connection of this session: to be sent with DUP. */
const AGAIN = 2;
/** Belongs to a session that the server has lost: to be sent as if for the first time. */
const ANEW = 3;
/** Will not be sent again. Its PUBACK may come late, so the identifier is nobody's for now. */
const GONE = 4;

export class OutgoingInflight {
  readonly #first: number;
  readonly #last: number;
  /** By packet identifier. Zeroed pages cost nothing until they are used. */
  readonly #state = new Uint8Array(PACKET_IDS);
  readonly #delivery = new Int32Array(PACKET_IDS);
  /** The PUBLISHes in order, and the identifiers that were used before and are free: 0 ends both. */
  readonly #next = new Uint16Array(PACKET_IDS);
  readonly #previous = new Uint16Array(PACKET_IDS);
  #oldest = 0;
  #newest = 0;
  #freeFirst = 0;
  #freeLast = 0;
  /** No identifier from here on has ever been used. */
  #unused: number;
  #count = 0;
  #sent = 0;
  #gone = 0;
  #unsent = 0;

  /** @param first and @param last: the packet identifiers there are, both included */
  constructor(first: number, last: number) {
    assert(first >= 1 && first <= last && last < PACKET_IDS, 'packet identifiers out of range');
    this.#first = first;
    this.#last = last;
    this.#unused = first;
  }

  /** PUBLISHes that are not acknowledged. */
  get count(): number {
    return this.#count;
  }

  /** Those of them that were sent over this connection. */
  get sent(): number {
    return this.#sent;
  }

  /** The packet identifier of the oldest, where it was sent over this connection; else 0. */
  get oldestSent(): number {
    return this.#state[this.#oldest] === SENT ? this.#oldest : 0;
  }

  /** Packet identifiers that can be taken. */
  get free(): number {
    return this.#last - this.#first + 1 - this.#count - this.#gone;
  }

  /** The packet identifier of the first that is to be sent again; 0: there is none. */
  get unsent(): number {
    return this.#unsent;
  }

  deliveryOf(packetId: number): number {
    return this.#delivery[packetId] as number;
  }

  /** Whether what is to be sent has been sent in this session before. */
  isAgain(packetId: number): boolean {
    return this.#state[packetId] === AGAIN;
  }

  /** A new PUBLISH, behind all others; returns its packet identifier. */
  open(delivery: number): number {
    assert(this.#unsent === 0, 'a new PUBLISH before those that are to be sent again');
    const packetId = this.#append(delivery, SENT);
    this.#sent++;
    return packetId;
  }

  /** The first that is to be sent again is sent. */
  markSent(packetId: number): void {
    assert(packetId === this.#unsent && packetId !== 0, 'sent out of order');
    this.#state[packetId] = SENT;
    this.#sent++;
    this.#unsent = this.#next[packetId] as number;
  }

  /**
   * A PUBACK. False: there is no PUBLISH of this session under that identifier. One that came over an
   * earlier connection may be acknowledged before it is sent again.
   */
  acknowledge(packetId: number): boolean {
    const state = this.#state[packetId];
    if (state === GONE) {
      this.#gone--;
      this.#release(packetId);
      return true;
    }
    if (state !== SENT && state !== AGAIN) return false;
    if (state === SENT) this.#sent--;
    this.#unlink(packetId);
    this.#release(packetId);
    return true;
  }

  /** Whether a PUBACK for it is somebody's concern. */
  isOpen(packetId: number): boolean {
    const state = this.#state[packetId];
    return state === SENT || state === AGAIN;
  }

  /** What was to be sent again never will be. */
  drop(packetId: number): void {
    const state = this.#state[packetId];
    assert(state === AGAIN || state === ANEW, 'only what is to be sent again can be dropped');
    this.#unlink(packetId);
    if (state === ANEW) this.#release(packetId);
    else {
      this.#state[packetId] = GONE;
      this.#gone++;
    }
  }

  /** Another connection: everything is to be sent again, with DUP what the session has had before. */
  resume(): void {
    this.#forgetGone();
    for (let id = this.#oldest; id !== 0; id = this.#next[id] as number) {
      if (this.#state[id] === SENT) this.#state[id] = AGAIN;
    }
    this.#sent = 0;
    this.#unsent = this.#oldest;
  }

  /** The server has lost the session: everything is sent anew, under other identifiers. */
  startAnew(): void {
    this.#forgetGone();
    const deliveries = new Int32Array(this.#count);
    let id = this.#oldest;
    for (let i = 0; i < deliveries.length; i++) {
      deliveries[i] = this.deliveryOf(id);
      const next = this.#next[id] as number;
      this.#release(id);
      id = next;
    }
    this.#oldest = 0;
    this.#newest = 0;
    this.#count = 0;
    this.#sent = 0;
    for (const delivery of deliveries) this.#append(delivery, ANEW);
    this.#unsent = this.#oldest;
  }

  /** No PUBACK came for these over a whole connection, so none will. */
  #forgetGone(): void {
    for (let id = this.#first; this.#gone > 0; id++) {
      if (this.#state[id] !== GONE) continue;
      this.#gone--;
      this.#release(id);
    }
  }

  #append(delivery: number, state: number): number {
    const packetId = this.#take();
    this.#state[packetId] = state;
    this.#delivery[packetId] = delivery;
    this.#next[packetId] = 0;
    this.#previous[packetId] = this.#newest;
    if (this.#newest === 0) this.#oldest = packetId;
    else this.#next[this.#newest] = packetId;
    this.#newest = packetId;
    this.#count++;
    return packetId;
  }

  #unlink(packetId: number): void {
    const next = this.#next[packetId] as number;
    const previous = this.#previous[packetId] as number;
    if (previous === 0) this.#oldest = next;
    else this.#next[previous] = next;
    if (next === 0) this.#newest = previous;
    else this.#previous[next] = previous;
    if (this.#unsent === packetId) this.#unsent = next;
    this.#count--;
  }

  #take(): number {
    if (this.#unused <= this.#last) return this.#unused++;
    const packetId = this.#freeFirst;
    assert(packetId !== 0, 'no packet identifier is free');
    this.#freeFirst = this.#next[packetId] as number;
    if (this.#freeFirst === 0) this.#freeLast = 0;
    return packetId;
  }

  #release(packetId: number): void {
    this.#state[packetId] = FREE;
    this.#next[packetId] = 0;
    if (this.#freeLast === 0) this.#freeFirst = packetId;
    else this.#next[this.#freeLast] = packetId;
    this.#freeLast = packetId;
  }
}
