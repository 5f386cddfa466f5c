/* PUBLISH packets, written once and sent many times: only the packet identifier changes.
 *
 *   | packet 0 | packet 1 | ... | packet n-1 |    one buffer, one topic after the other, then again
 *
 * 1. A stretch that was handed to a socket may be patched again only when the socket has flushed it,
 *    so the caller waits for that before it asks for the next stretch.
 * 2. Large payloads would make the buffer huge: then the buffer holds the headers only, and all
 *    messages share one payload.
 */
import { assert } from '../../base/assert.js';
import type { Qos } from '../../config/model.js';
import { payloadOf, userPropertyOf } from './payload.js';

/** Long enough that one write carries many packets, small enough to stay in the CPU's cache. */
const SLAB_BYTES_MIN = 512 * 1024;
/** From here on a write of its own for each payload costs less than the copies. */
const SHARED_PAYLOAD_BYTES_MIN = 16 * 1024;

export interface SlabOptions {
  readonly topicNames: readonly string[];
  readonly subscriptionIds: readonly number[];
  readonly payloadBytes: number;
  readonly userProperties: number;
  readonly qos: Qos;
}

/** Appends a Variable Byte Integer. */
function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  do {
    const low = rest % 128;
    rest = Math.floor(rest / 128);
    bytes.push(rest > 0 ? low + 128 : low);
  } while (rest > 0);
}

function pushString(bytes: number[], text: string): void {
  const encoded = Buffer.from(text);
  bytes.push(encoded.length >> 8, encoded.length & 0xff, ...encoded);
}

function propertiesOf(options: SlabOptions): number[] {
  const properties: number[] = [];
  for (const id of options.subscriptionIds) {
    properties.push(0x0b);
    pushVarint(properties, id);
  }
  for (let n = 0; n < options.userProperties; n += 1) {
    properties.push(0x26);
    for (const text of userPropertyOf(n)) pushString(properties, text);
  }
  const bytes: number[] = [];
  pushVarint(bytes, properties.length);
  return bytes.concat(properties);
}

interface Header {
  readonly bytes: Buffer;
  /** Where the packet identifier stands; -1 at QoS 0. */
  readonly packetIdAt: number;
}

function headerOf(topicName: string, properties: number[], options: SlabOptions): Header {
  const variable: number[] = [];
  pushString(variable, topicName);
  const packetIdAt = options.qos > 0 ? variable.length : -1;
  if (options.qos > 0) variable.push(0, 0);
  variable.push(...properties);
  const fixed = [0x30 | (options.qos << 1)];
  pushVarint(fixed, variable.length + options.payloadBytes);
  return {
    bytes: Buffer.from(fixed.concat(variable)),
    packetIdAt: packetIdAt < 0 ? -1 : fixed.length + packetIdAt,
  };
}

export class PublishSlab {
  /** How many packets one stretch can hold at most. */
  readonly count: number;
  /** The longest packet, to be held against the client's Maximum Packet Size. */
  readonly packetBytesMax: number;
  readonly #bytes: Buffer;
  readonly #ends: Uint32Array;
  readonly #packetIdAt: Int32Array;
  readonly #sharedPayload: Buffer | undefined;
  #next = 0;

  constructor(options: SlabOptions) {
    assert(options.topicNames.length > 0, 'a slab needs a topic name');
    const shared = options.payloadBytes >= SHARED_PAYLOAD_BYTES_MIN;
    const payload = payloadOf(options.payloadBytes);
    const properties = propertiesOf(options);
    const packets = options.topicNames.map((name) => headerOf(name, properties, options));
    const bodyBytes = shared ? 0 : options.payloadBytes;
    const roundBytes = packets.reduce((sum, header) => sum + header.bytes.length + bodyBytes, 0);
    const rounds = Math.ceil(SLAB_BYTES_MIN / roundBytes);
    this.count = packets.length * rounds;
    this.packetBytesMax =
      Math.max(...packets.map((header) => header.bytes.length)) + options.payloadBytes;
    this.#sharedPayload = shared ? payload : undefined;
    this.#bytes = Buffer.allocUnsafe(roundBytes * rounds);
    this.#ends = new Uint32Array(this.count);
    this.#packetIdAt = new Int32Array(this.count);
    let at = 0;
    for (let n = 0; n < this.count; n += 1) {
      const header = packets[n % packets.length] as Header;
      this.#packetIdAt[n] = header.packetIdAt < 0 ? -1 : at + header.packetIdAt;
      at += header.bytes.copy(this.#bytes, at);
      if (!shared) at += payload.copy(this.#bytes, at);
      this.#ends[n] = at;
    }
  }

  /** Packets that can still be stamped before the slab starts again. */
  get untilWrap(): number {
    return this.count - this.#next;
  }

  /** Stamps the next `packetIds.length` packets and gives what to write, in order. `flushed` must
   * hold for every earlier stretch. */
  stretch(packetIds: Uint16Array, length: number): Buffer[] {
    assert(length > 0 && length <= this.untilWrap, 'a stretch must not pass the end of the slab');
    const bytes = this.#bytes;
    const first = this.#next;
    for (let n = 0; n < length; n += 1) {
      const at = this.#packetIdAt[first + n] as number;
      if (at < 0) break;
      const packetId = packetIds[n] as number;
      bytes[at] = packetId >> 8;
      bytes[at + 1] = packetId & 0xff;
    }
    this.#next = first + length === this.count ? 0 : first + length;
    if (this.#sharedPayload === undefined) {
      return [bytes.subarray(this.#startOf(first), this.#ends[first + length - 1])];
    }
    const writes: Buffer[] = [];
    for (let n = first; n < first + length; n += 1) {
      writes.push(bytes.subarray(this.#startOf(n), this.#ends[n]), this.#sharedPayload);
    }
    return writes;
  }

  #startOf(packet: number): number {
    return packet === 0 ? 0 : (this.#ends[packet - 1] as number);
  }
}
