/* Inbound: the PUBLISHes that one session receives: whose topic each is, whether there is credit for it,
 * what becomes of a bad one. Outlives connections; outbound.ts is the other direction. Main thread only.
 */

import type { Connection } from '../connection.js';
import { IMPLEMENTATION_SPECIFIC_ERROR, PROTOCOL_ERROR } from '../reason-code.js';
import { AliasScan } from './alias-scan.js';
import { BadPackets } from './bad-packets.js';
import { EXCEEDED, FRESH, IN_USE, Inflight, JOINED } from './inflight.js';
import { DISCARD, type OversizeSink } from './oversize.js';
import { ABSENT, type Publish } from './publish.js';
import { type PublishFault, publishFault } from './publish-check.js';
import { TopicAliases } from './topic-alias.js';
import type { Topic, TopicCache } from './topic-cache.js';

/** What SessionEvents has of the same names, for the one session. */
export interface InboundEvents {
  onPublish(publish: Publish): boolean;
  onOversize(publish: Publish): OversizeSink | undefined;
  onJoined(publish: Publish): void;
  onUnreadable(packet: Uint8Array, fault: PublishFault): Promise<void> | undefined;
  onWarning(text: string): void;
  /** The broker sends again and again what cannot be acknowledged: the session has to stop. */
  onHopeless(reason: string): void;
}

export interface InboundOptions {
  readonly receiveMaximum: number;
  readonly topicAliasMaximum: number;
  readonly topics: TopicCache;
  readonly events: InboundEvents;
}

export class Inbound {
  readonly inflight: Inflight;
  readonly #options: InboundOptions;
  readonly #events: InboundEvents;
  readonly #badPackets = new BadPackets();
  #connection: Connection | undefined;
  #aliases: TopicAliases;
  #excessTold = false;
  #readingStopped = false;

  constructor(options: InboundOptions) {
    this.#options = options;
    this.#events = options.events;
    this.#aliases = new TopicAliases(options.topicAliasMaximum, options.topics);
    this.inflight = new Inflight(options.receiveMaximum, (packetId, reasonCode) =>
      this.#connection?.puback(packetId, reasonCode),
    );
  }

  /** Another connection is dialled: no alias means anything on it yet. */
  onDialled(connection: Connection): void {
    const { topicAliasMaximum, topics } = this.#options;
    this.#connection = connection;
    this.#aliases = new TopicAliases(topicAliasMaximum, topics);
  }

  onDisconnected(): void {
    this.#connection = undefined;
    this.inflight.onDisconnected();
  }

  /** Reads on where credit had run out. */
  resume(): void {
    if (this.#connection?.paused === true && !this.inflight.full) this.#connection.resume();
  }

  /** Stops reading for good; PUBACKs still leave. */
  stopReading(): void {
    this.#readingStopped = true;
  }

  /** A PUBLISH from the lane. False: offered again once there is credit. */
  onPublish(publish: Publish): boolean {
    if (this.#readingStopped) return false;
    if (!this.#isSound(publish, publish.slabOffset === ABSENT)) return true;
    if (publish.qos === 1) {
      this.#badPackets.onGood(publish.packetId);
      const received = this.inflight.receive(publish.packetId, publish.dup);
      if (received === JOINED) {
        // Takes no credit: its delivery has it.
        this.#events.onJoined(publish);
        return true;
      }
      if (received === IN_USE) {
        this.#onIdentifierInUse(publish);
        return true;
      }
      if (!this.#hasCredit(received)) return false;
    }
    return this.#events.onPublish(publish);
  }

  /** A PUBLISH that is over a limit, of which topic and properties are here, or the topic alone. */
  onOversize(publish: Publish): OversizeSink | undefined {
    if (this.#readingStopped) return undefined;
    if (publish.unreadBytes > 0) return this.#onUnread(publish);
    return this.#isSound(publish, false) ? this.#sinkOf(publish) : undefined;
  }

  /** Topic name and properties are over the limit; perhaps they begin with the alias that says whose
   * they are, and perhaps they end with one that others will come under. */
  #onUnread(publish: Publish): OversizeSink | undefined {
    const { bytes, payloadStart, propertiesStart, propertiesEnd } = publish;
    const propertiesBytes = publish.topicStart - 2 + publish.unreadBytes - propertiesStart;
    if (publish.topicEnd === publish.topicStart) {
      const scan = new AliasScan(0, propertiesBytes);
      scan.feed(bytes.subarray(propertiesStart, propertiesEnd));
      publish.topicAlias = scan.alias;
    }
    const aliases = this.#aliases;
    aliases.resolveUnread(publish);
    const sink = this.#sinkOf(publish);
    if (sink === undefined) return undefined;
    const topic = publish.topic as Topic;
    const scan = new AliasScan(propertiesStart - payloadStart, propertiesBytes);
    return {
      write: (chunk) => {
        scan.feed(chunk);
        return sink.write(chunk);
      },
      commit: () => {
        aliases.learn(scan.alias, topic);
        return sink.commit();
      },
      abort: () => sink.abort(),
    };
  }

  /** What takes a PUBLISH whose topic is resolved. */
  #sinkOf(publish: Publish): OversizeSink | undefined {
    if (publish.qos === 1) {
      const received = this.inflight.receive(publish.packetId, publish.dup);
      if (received === JOINED) {
        // Its letter was written when the connection went; what was not yet is given up.
        this.#events.onJoined(publish);
        return DISCARD;
      }
      if (received === IN_USE) {
        this.#onIdentifierInUse(publish);
        return undefined;
      }
      if (!this.#hasCredit(received)) return undefined;
    }
    return this.#events.onOversize(publish);
  }

  /** A PUBLISH that the lane left. */
  onLeft(packet: Uint8Array): void {
    this.#onBad(packet, publishFault(packet));
  }

  /**
   * Sets `publish.topic`. False: it cannot be taken, and what is to be done about it is done.
   * @param whole whether the payload is in the receive buffer too
   */
  #isSound(publish: Publish, whole: boolean): boolean {
    const fault = this.#aliases.resolve(publish);
    if (fault === undefined) return true;
    const { bytes, payloadStart, payloadBytes, packetBytes, qos, packetId } = publish;
    const packetEnd = payloadStart + payloadBytes;
    const packet = bytes.slice(packetEnd - packetBytes, whole ? packetEnd : payloadStart);
    this.#onBad(packet, { ...fault, qos, packetId, whole });
    return false;
  }

  /** Whether a PUBLISH that is neither joined nor wrong may be taken now. */
  #hasCredit(received: number): boolean {
    if (received === EXCEEDED && !this.#excessTold) {
      this.#excessTold = true;
      // MQTT 5 would have us disconnect with 0x93. mosquitto 2.0 miscounts under load (its issue
      // 2301) and would do so at every connection; left unread, the excess costs us no memory.
      this.#events.onWarning(
        `the broker sends more than the Receive Maximum of ${this.#options.receiveMaximum}; reading waits`,
      );
    }
    return received === FRESH && !this.inflight.full;
  }

  #onIdentifierInUse(publish: Publish): void {
    this.#connection?.disconnect(
      PROTOCOL_ERROR,
      `the broker used packet identifier ${publish.packetId} again before its PUBACK`,
    );
  }

  /** A bad PUBLISH: an error, unless it was met so often that it is taken away. */
  #onBad(packet: Uint8Array, fault: PublishFault): void {
    const text = `the broker sent a PUBLISH with ${fault.text}`;
    const connection = this.#connection;
    const verdict = this.#badPackets.onBad(fault);
    if (verdict === 'take away') {
      this.#takeAway(connection, packet, fault);
      return;
    }
    if (verdict === 'stop') this.#events.onHopeless(`${text}, again and again`);
    connection?.disconnect(fault.reasonCode, text);
  }

  /** Has an unreadable PUBLISH kept as a dead letter, then acknowledges it in its turn. */
  #takeAway(connection: Connection | undefined, packet: Uint8Array, fault: PublishFault): void {
    // Whatever had this identifier on an earlier connection is not this PUBLISH.
    this.inflight.forget(fault.packetId);
    if (this.inflight.receive(fault.packetId, true) !== FRESH) {
      connection?.disconnect(fault.reasonCode, 'the broker breaks its own window');
      return;
    }
    const kept = this.#events.onUnreadable(packet, fault);
    if (kept === undefined) {
      connection?.disconnect(fault.reasonCode, 'too many unreadable PUBLISHes wait to be kept');
      return;
    }
    // No delivery of the ledger's has this number, so it meets no other.
    const delivery = -2 - fault.packetId;
    this.inflight.open(fault.packetId, delivery);
    kept.then(() => {
      this.inflight.settle(fault.packetId, delivery, IMPLEMENTATION_SPECIFIC_ERROR);
      this.#connection?.flush();
      this.resume();
    });
  }
}
