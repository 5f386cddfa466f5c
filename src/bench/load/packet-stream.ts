/* The bytes that the other end sends us, cut into packets. PUBACK and PUBLISH are read where they lie, of the
 * latter no more than its fixed header; everything else goes whole to mqtt-packet.
 *
 *   chunk  | ... end of a packet | packet | packet | packet | beginning of one ... |
 *            joined to its beginning                          kept: the rest
 *
 * Of a large PUBLISH that has begun only its head is kept; the rest is told of piece by piece.
 */

import type { Packet } from 'mqtt-packet';
import mqttPacket from 'mqtt-packet';

/** As CONNECT says it: 4 is MQTT 3.1.1, which has no properties. */
export type ProtocolVersion = 4 | 5;

export interface PacketStreamHandlers {
  readonly onPuback: (packetId: number, reasonCode: number) => void;
  /**
   * A whole PUBLISH has come. Its fixed header begins at `at` of `bytes`, its variable header at `bodyAt`, it
   * ends at `end`; of a large one `bytes` are the head.
   */
  readonly onPublish: (bytes: Buffer, at: number, bodyAt: number, end: number) => void;
  /** The head of a large PUBLISH has come, as for `onPublish`. */
  readonly onLargeBegun: (bytes: Buffer, at: number, bodyAt: number, end: number) => void;
  /** What follows the head, or the part before: `bytes` from `at` to `end`. */
  readonly onLargePart: (bytes: Buffer, at: number, end: number) => void;
  readonly onPacket: (packet: Packet) => void;
  readonly onError: (error: Error) => void;
}

/** Nobody has anything longer to say to a load generator, but for what is published. */
const PACKET_BYTES_MAX = 1024 * 1024;
const FIXED_HEADER_BYTES_MAX = 5;
/** From here on a PUBLISH is large: joining its parts would cost more than to look at each. */
const LARGE_BYTES_MIN = 32 * 1024;
/** Of a large one: its topic, its properties, and where its payload begins. */
export const LARGE_HEAD_BYTES = 16 * 1024;
const PUBACK = 0x40;
const PUBLISH = 3;

export class PacketStream {
  readonly #handlers: PacketStreamHandlers;
  #parser = mqttPacket.parser({ protocolVersion: 5 });
  /** The beginning of a packet. */
  #rest: Buffer | undefined;
  /** The head of a large PUBLISH, and how much of it is still to come. */
  #largeHead: Buffer | undefined;
  #largeLeft = 0;
  #failed = false;
  /** Where the variable header of the packet begins whose end was asked for last. */
  #bodyAt = 0;

  constructor(handlers: PacketStreamHandlers) {
    this.#handlers = handlers;
    this.speak(5);
  }

  /** What follows is of this version: 5, or 4, which is MQTT 3.1.1. CONNECT says its own. */
  speak(protocolVersion: ProtocolVersion): void {
    this.#parser = mqttPacket.parser({ protocolVersion });
    this.#parser.on('packet', this.#handlers.onPacket);
    this.#parser.on('error', this.#handlers.onError);
  }

  /** Calls the handlers for every packet that `chunk` completes. */
  push(chunk: Buffer): void {
    let at = 0;
    if (this.#rest !== undefined) at = this.#join(this.#rest, chunk);
    while (at < chunk.length && !this.#failed) {
      if (this.#largeHead !== undefined) {
        at = this.#goOn(this.#largeHead, chunk, at);
        continue;
      }
      const end = this.#endOfPacket(chunk, at);
      if (end === 0 || end > chunk.length) {
        this.#keep(chunk, at, end);
        return;
      }
      if (end > 0) this.#packet(chunk, at, end);
      at = end;
    }
  }

  /** Goes on with a large PUBLISH; returns where its part of the chunk ends. */
  #goOn(head: Buffer, chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#largeLeft);
    this.#handlers.onLargePart(chunk, at, end);
    this.#largeLeft -= end - at;
    if (this.#largeLeft === 0) {
      this.#largeHead = undefined;
      this.#packet(head, 0, this.#endOfPacket(head, 0));
    }
    return end;
  }

  /** Goes on with the packet that begins with `rest`; returns where the next one begins. */
  #join(rest: Buffer, chunk: Buffer): number {
    const start = Buffer.concat([rest, chunk.subarray(0, FIXED_HEADER_BYTES_MAX)]);
    const end = this.#endOfPacket(start, 0);
    if (end < 0) return chunk.length;
    const wanted = isLarge(start, 0, end) ? Math.max(LARGE_HEAD_BYTES, rest.length) : end;
    const taken = end === 0 ? chunk.length : Math.min(wanted - rest.length, chunk.length);
    const bytes = Buffer.concat([rest, chunk.subarray(0, taken)]);
    this.#rest = undefined;
    if (end > 0 && bytes.length === end) this.#packet(bytes, 0, end);
    else this.#keep(bytes, 0, end);
    return taken;
  }

  /** Keeps a copy of what there is of a packet: a view would keep the whole chunk alive. */
  #keep(bytes: Buffer, at: number, end: number): void {
    const headEnd = at + LARGE_HEAD_BYTES;
    if (!isLarge(bytes, at, end) || bytes.length < headEnd) {
      this.#rest = Buffer.from(bytes.subarray(at));
      return;
    }
    const head = Buffer.from(bytes.subarray(at, headEnd));
    this.#largeHead = head;
    this.#largeLeft = end - bytes.length;
    this.#handlers.onLargeBegun(head, 0, this.#bodyAt - at, end - at);
    if (bytes.length > headEnd) this.#handlers.onLargePart(bytes, headEnd, bytes.length);
  }

  #packet(bytes: Buffer, at: number, end: number): void {
    const first = bytes[at] as number;
    if (first >> 4 === PUBLISH) this.#handlers.onPublish(bytes, at, this.#bodyAt, end);
    else if (first === PUBACK) this.#puback(bytes, at);
    else this.#parser.parse(bytes.subarray(at, end));
  }

  #puback(bytes: Buffer, at: number): void {
    const packetId = ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number);
    // A Remaining Length of 2 means reason code 0x00 [MQTT-3.4.2.1].
    this.#handlers.onPuback(packetId, bytes[at + 1] === 2 ? 0 : (bytes[at + 4] as number));
  }

  /** Where the packet at `at` ends; 0 when its length is not known yet, -1 when it is refused. */
  #endOfPacket(bytes: Buffer, at: number): number {
    let remaining = 0;
    let scale = 1;
    for (let n = 1; n <= 4; n += 1) {
      const byte = bytes[at + n];
      if (byte === undefined) return 0;
      remaining += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte >= 0x80) continue;
      this.#bodyAt = at + 1 + n;
      const first = bytes[at] as number;
      // Longer than one byte, or too short to hold an identifier: no PUBACK that we can read.
      const bad = first === PUBACK && (n > 1 || remaining < 2);
      const fits = first >> 4 === PUBLISH || remaining <= PACKET_BYTES_MAX;
      if (fits && !bad) return this.#bodyAt + remaining;
      break;
    }
    this.#failed = true;
    this.#handlers.onError(new Error('a malformed or oversized packet'));
    return -1;
  }
}

/** Whether the packet from `at` to `end` is a large PUBLISH; 0 as `end`: that is not known. */
function isLarge(bytes: Buffer, at: number, end: number): boolean {
  return end - at >= LARGE_BYTES_MIN && (bytes[at] as number) >> 4 === PUBLISH;
}
