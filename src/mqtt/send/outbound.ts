/* Outbound: the PUBLISHes of QoS 0 and 1 that one session sends. Outlives its connections. Main thread
 * only. What a message is, and where it lies until it is acknowledged, the flow knows; here is what is
 * needed to acknowledge and to repeat it: its packet identifier and the number that the flow gave it.
 *
 * 1. Never more PUBLISHes of QoS 1 are unacknowledged over one connection than the server's Receive
 *    Maximum [MQTT-3.3.4-7]; no packet is larger than its Maximum Packet Size [MQTT-3.2.2-15].
 * 2. After a connection was lost, everything that is not acknowledged is sent again in the order in
 *    which it was sent first [MQTT-4.6.0-1], before anything new: with DUP and its packet identifier
 *    where the session was kept [MQTT-4.4.0-1], as new where it was not.
 * 3. What the socket has not taken is bounded: by UNSENT_BYTES_MAX and one packet.
 * 4. A PUBACK for a packet identifier that is not in use is ignored, and warned of once a connection.
 *    MQTT 5 says nothing of it, mosquitto ignores it too, and ending the connection would make all that
 *    is under way be sent again and mend nothing. It can come for what was dropped after an outage.
 */
import { assert } from '../../base/assert.js';
import { UNSENT_BYTES_MAX } from '../../config/limits.js';
import type { ServerLimits } from '../connack.js';
import { PACKET_TOO_LARGE } from '../reason-code.js';
import { VARINT_BYTES_MAX, VARINT_MAX } from '../wire.js';
import { ALIAS_BYTES, OutgoingAliases } from './outgoing-aliases.js';
import { OutgoingInflight } from './outgoing-inflight.js';
import { OutgoingPublish } from './outgoing-publish.js';
import type { OutgoingTopic } from './outgoing-topics.js';
import type { Output } from './output.js';
import { publishBytes, writePublish } from './publish-writer.js';

export interface OutboundEvents {
  /** A PUBACK for a PUBLISH of QoS 1, or the word of ours that it can be sent no more: 0x95. */
  onPuback(delivery: number, reasonCode: number): void;
  /** There may be room again: after CONNACK, after PUBACKs, or when the socket has taken everything. */
  onWritable(): void;
  /** Fills `publish` with what was sent for this delivery; false: it is nobody's any more. */
  onResend(delivery: number, publish: OutgoingPublish): boolean;
  onWarning(text: string): void;
}

export interface OutboundOptions {
  /** The packet identifiers that PUBLISHes may have; the session's other packets have others. */
  readonly firstPacketId: number;
  readonly lastPacketId: number;
  readonly events: OutboundEvents;
}

const NO_ALIASES = new OutgoingAliases(0);
const PACKET_BYTES_MAX = 1 + VARINT_BYTES_MAX + VARINT_MAX;
/** An alias, and what it makes Property Length and Remaining Length longer by. */
const INTRODUCTION_BYTES_MAX = ALIAS_BYTES + 2;

export class Outbound {
  readonly #events: OutboundEvents;
  readonly #inflight: OutgoingInflight;
  /** What is filled to be sent again. */
  readonly #again = new OutgoingPublish();
  /** The connection's, from CONNACK to its end. */
  #output: Output | undefined;
  #aliases = NO_ALIASES;
  #receiveMaximum = 0;
  #packetBytesMax = PACKET_BYTES_MAX;
  #acknowledged = false;
  #strangerTold = false;

  constructor(options: OutboundOptions) {
    this.#events = options.events;
    this.#inflight = new OutgoingInflight(options.firstPacketId, options.lastPacketId);
  }

  /** How many more PUBLISHes of QoS 1 may be sent now. */
  get credit(): number {
    if (!this.writable) return 0;
    return Math.max(0, Math.min(this.#receiveMaximum - this.#inflight.sent, this.#inflight.free));
  }

  /** Whether a PUBLISH of QoS 0 may be sent now. */
  get writable(): boolean {
    const output = this.#output;
    return (
      output !== undefined && this.#inflight.unsent === 0 && output.waitingBytes <= UNSENT_BYTES_MAX
    );
  }

  /** PUBLISHes of QoS 1 that are not acknowledged, those of earlier connections too. */
  get inFlight(): number {
    return this.#inflight.count;
  }

  /** The packet identifier of the PUBLISH that has waited longest for its PUBACK over this connection; 0:
   * none waits, or there is no connection. */
  get oldestSent(): number {
    return this.#output === undefined ? 0 : this.#inflight.oldestSent;
  }

  /** Whether the socket may still read payloads that were not copied (COPIED_PAYLOAD_BYTES_MAX). */
  get borrowing(): boolean {
    return this.#output?.borrowing === true;
  }

  /** Whether the server takes a packet of that size; before the first CONNACK its limit is unknown. */
  fits(publish: OutgoingPublish): boolean {
    return publishBytes(publish) <= this.#packetBytesMax;
  }

  /**
   * Sends it, after the caller has looked at `credit` or `writable`, and at `fits`.
   * @param delivery a number of 32 bits that comes back, signed, with the PUBACK; nothing at QoS 0.
   * Once it means nothing any more, what comes back is ignored, and `onResend` returns false.
   * @returns the packet identifier; 0 at QoS 0
   */
  publish(publish: OutgoingPublish, delivery: number): number {
    const output = this.#output;
    assert(output !== undefined && this.#inflight.unsent === 0, 'not ready for a PUBLISH');
    if (publish.qos === 0) {
      this.#write(output, publish, 0, false);
      return 0;
    }
    assert(this.#inflight.sent < this.#receiveMaximum, 'more than the Receive Maximum');
    const packetId = this.#inflight.open(delivery);
    this.#write(output, publish, packetId, false);
    return packetId;
  }

  /** Writes what was sent since the last time: once for many. */
  flush(): void {
    this.#output?.flush();
  }

  /** The session's: Session Present was 0, whatever becomes of this connection. */
  onSessionLost(): void {
    this.#inflight.startAnew();
  }

  /** The session's, at a CONNACK that is as it has to be. */
  onConnected(output: Output, limits: ServerLimits): void {
    this.#output = output;
    this.#aliases = new OutgoingAliases(limits.topicAliasMaximum);
    this.#receiveMaximum = limits.receiveMaximum;
    this.#packetBytesMax = Math.min(limits.maximumPacketSize ?? Infinity, PACKET_BYTES_MAX);
    this.#acknowledged = false;
    this.#strangerTold = false;
    this.#inflight.resume();
    this.#goOn();
  }

  /** The session's, when the connection has ended. */
  onDisconnected(): void {
    this.#output = undefined;
    this.#aliases.close();
    this.#aliases = NO_ALIASES;
  }

  /** The session's, for each PUBACK. */
  onPuback(packetId: number, reasonCode: number): void {
    const open = this.#inflight.isOpen(packetId);
    const delivery = this.#inflight.deliveryOf(packetId);
    if (!this.#inflight.acknowledge(packetId)) {
      this.#onStranger(packetId);
      return;
    }
    this.#acknowledged = true;
    if (open) this.#events.onPuback(delivery, reasonCode);
  }

  /** The session's, after all packets of one read. */
  onBatchEnd(): void {
    if (!this.#acknowledged) return;
    this.#acknowledged = false;
    this.#goOn();
  }

  /** The session's: the socket has taken everything. */
  onDrained(): void {
    this.#goOn();
  }

  #onStranger(packetId: number): void {
    if (this.#strangerTold) return;
    this.#strangerTold = true;
    this.#events.onWarning(
      `the broker sent a PUBACK for packet identifier ${packetId}, under which nothing is in flight`,
    );
  }

  #goOn(): void {
    this.#resend();
    if (this.writable) this.#events.onWritable();
    this.flush();
  }

  /** Sends again what the limits of this connection allow by now. */
  #resend(): void {
    const output = this.#output;
    const inflight = this.#inflight;
    const publish = this.#again;
    while (output !== undefined && inflight.unsent !== 0) {
      if (inflight.sent >= this.#receiveMaximum) return;
      if (output.waitingBytes > UNSENT_BYTES_MAX) return;
      const packetId = inflight.unsent;
      const delivery = inflight.deliveryOf(packetId);
      const exists = this.#events.onResend(delivery, publish);
      // Who answers may have ended the connection.
      if (this.#output !== output) return;
      if (!exists) {
        inflight.drop(packetId);
        continue;
      }
      assert(publish.qos === 1, 'only QoS 1 is sent again');
      if (!this.fits(publish)) {
        // The server that came back takes less than the one that went.
        inflight.drop(packetId);
        this.#events.onPuback(delivery, PACKET_TOO_LARGE);
        continue;
      }
      const dup = inflight.isAgain(packetId);
      inflight.markSent(packetId);
      // [MQTT-3.3.1-1]
      this.#write(output, publish, packetId, dup);
    }
  }

  #write(output: Output, publish: OutgoingPublish, packetId: number, dup: boolean): void {
    writePublish(output, publish, packetId, dup, this.#aliasOf(publish));
  }

  #aliasOf(publish: OutgoingPublish): number {
    const topic = publish.topic as OutgoingTopic;
    // To introduce an alias makes the packet longer than `fits` has found it to be.
    const known = topic.aliases === this.#aliases;
    if (!known && publishBytes(publish) + INTRODUCTION_BYTES_MAX > this.#packetBytesMax) return 0;
    return this.#aliases.aliasOf(topic);
  }
}
