/* PUBLISH packets, written once and sent many times: only packet identifier and stamp change.
 *
 * A stretch that was handed to a socket may be patched again only when the socket has flushed it, so the
 * caller waits for that before it asks for the next stretch.
 */
import { assert } from '../../base/assert.js';
import { layOutPackets, type PacketRound, type RoundOptions } from './packet-round.js';
import { viewOf, writeStamp } from './stamp.js';

/** What the stamps of a run have in common, over all its connections. */
export interface Stamps {
  /** Of the next stamped message. */
  sequence: number;
  /** Of all checks, modulo 2^32. */
  checkSum: number;
}

/** What of a stretch differs from packet to packet: the first entries are those of its packets. */
export interface StretchFields {
  readonly packetIds: Uint16Array;
  /** When each was due. */
  readonly dueAtMs: Float64Array;
}

export class PublishSlab {
  /** How many packets one stretch can hold at most. */
  readonly count: number;
  /** At least the length of the longest packet, to be held against the client's Maximum Packet Size. */
  readonly packetBytesMax: number;
  /** How often the round was begun again. */
  #rounds = 0;
  readonly #round: PacketRound;
  readonly #view: DataView;
  readonly #stamps: Stamps;
  /** By size of the mix. */
  readonly #payloadBytes: readonly number[];
  readonly #sharesPayloads: boolean;
  /** Their numbers among all of the load. */
  readonly #keys: readonly number[];
  #next = 0;

  /** Throws an OperatingError for a load of too many topics and properties. */
  constructor(options: RoundOptions, stamps: Stamps) {
    assert(options.topics.length > 0, 'a slab needs a topic');
    assert(options.protocolVersion !== 4 || isPlain(options), 'MQTT 3.1.1 has no properties');
    const round = layOutPackets(options);
    this.#round = round;
    this.#view = viewOf(round.bytes);
    this.#stamps = stamps;
    this.#payloadBytes = options.payload.map(({ bytes }) => bytes);
    this.#sharesPayloads = round.shared.some((payload) => payload !== undefined);
    this.#keys = options.keys;
    this.count = round.plan.length;
    this.packetBytesMax = round.packetBytesMax;
  }

  /** Packets that can still be stamped before the slab starts again. */
  get untilWrap(): number {
    return this.count - this.#next;
  }

  /** How long the payload is of the packet that comes `ahead` packets after the next one. */
  payloadBytes(ahead: number): number {
    return this.#payloadBytes[this.#round.plan.sizes[this.#next + ahead] as number] as number;
  }

  /** Stamps the next `length` packets and gives what to write, in order. `flushed` must hold for every
   * earlier stretch. */
  stretch({ packetIds, dueAtMs }: StretchFields, length: number): Buffer[] {
    assert(length > 0 && length <= this.untilWrap, 'a stretch must not pass the end of the slab');
    const first = this.#next;
    this.#identify(packetIds, length);
    this.#stamp(dueAtMs, length);
    const wraps = first + length === this.count;
    this.#next = wraps ? 0 : first + length;
    if (wraps) this.#rounds += 1;
    return this.#sharesPayloads ? this.#piecesOf(first, length) : [this.#bytesOf(first, length)];
  }

  /** How many messages were sent of each key whose payload has no room for a stamp; undefined where all
   * have it. */
  unstampedByKey(keys: number): number[] | undefined {
    const { plan, stampAt } = this.#round;
    if (stampAt.every((at) => at >= 0)) return undefined;
    const counts = Array.from({ length: keys }, () => 0);
    for (let n = 0; n < this.count; n += 1) {
      if ((stampAt[n] as number) >= 0) continue;
      const key = this.#keys[plan.keys[n] as number] as number;
      counts[key] = (counts[key] as number) + this.#rounds + (n < this.#next ? 1 : 0);
    }
    return counts;
  }

  #identify(packetIds: Uint16Array, length: number): void {
    const { bytes, packetIdAt } = this.#round;
    const first = this.#next;
    for (let n = 0; n < length; n += 1) {
      const at = packetIdAt[first + n] as number;
      if (at < 0) return;
      const packetId = packetIds[n] as number;
      bytes[at] = packetId >> 8;
      bytes[at + 1] = packetId & 0xff;
    }
  }

  #stamp(dueAtMs: Float64Array, length: number): void {
    const { stampAt, contents } = this.#round;
    const view = this.#view;
    const first = this.#next;
    let { sequence, checkSum } = this.#stamps;
    for (let n = 0; n < length; n += 1) {
      const at = stampAt[first + n] as number;
      if (at < 0) continue;
      const content = contents[first + n] as number;
      checkSum += writeStamp(view, at, content, sequence, dueAtMs[n] as number);
      sequence += 1;
    }
    this.#stamps.sequence = sequence;
    this.#stamps.checkSum = checkSum % 2 ** 32;
  }

  #bytesOf(first: number, length: number): Buffer {
    return this.#round.bytes.subarray(this.#startOf(first), this.#round.ends[first + length - 1]);
  }

  /** What lies together in the slab as one piece, and shared payloads between. */
  #piecesOf(first: number, length: number): Buffer[] {
    const { plan, shared } = this.#round;
    const pieces: Buffer[] = [];
    let from = first;
    for (let n = first; n < first + length; n += 1) {
      const payload = shared[plan.sizes[n] as number];
      if (payload === undefined) continue;
      pieces.push(this.#bytesOf(from, n + 1 - from), payload);
      from = n + 1;
    }
    if (from < first + length) pieces.push(this.#bytesOf(from, first + length - from));
    return pieces;
  }

  #startOf(packet: number): number {
    return packet === 0 ? 0 : (this.#round.ends[packet - 1] as number);
  }
}

function isPlain(options: RoundOptions): boolean {
  const { userProperties, systemProperties, keyProperty, subscriptionIds } = options;
  const hasIds = subscriptionIds.some((ids) => ids.length > 0);
  return userProperties === 0 && !systemProperties && keyProperty === undefined && !hasIds;
}
