/* One round of a load's PUBLISH packets, laid out one behind the other in one buffer.
 *
 *   | header, payload | header, payload | header, stamp | header, payload | ...
 *                                         large: the rest of the payload is shared by all of its size
 *
 * The buffer has ROUND_BYTES_MAX at most: where it would have more, smaller payloads are shared too.
 */
import { OperatingError } from '../../base/errors.js';
import type { Qos } from '../../config/model.js';
import type { LoadPart } from './load-part.js';
import { type MessagePlan, planLengthMin, planMessages } from './message-plan.js';
import type { ProtocolVersion } from './packet-stream.js';
import { keyOf, payloadOf, topicNameOf, userPropertyOf } from './payload.js';
import type { PayloadMix } from './payload-mix.js';
import { contentChecksum, keyChecksum, payloadChecksum, STAMP_BYTES } from './stamp.js';
import { systemPropertiesOfPublish } from './system-properties.js';

/** Long enough that one write carries many packets, small enough to stay in the CPU's cache. */
const ROUND_BYTES_MIN = 512 * 1024;
/** Of one of many connections, which writes little at once. */
const SMALL_ROUND_BYTES_MIN = 8 * 1024;
/** Of all connections: 100,000 topics with payloads of 1 KiB. */
const ROUND_BYTES_MAX = 128 * 1024 * 1024;
/** From here on a write of its own for each payload costs less than the copies. */
const SHARED_PAYLOAD_BYTES_MIN = 16 * 1024;
const FIXED_HEADER_BYTES_MAX = 5;

export interface RoundOptions extends LoadPart {
  readonly topicRoot: string;
  /** Over which the topics are dealt. */
  readonly routes: number;
  /** The user property that carries the key; undefined: the topic is the key. */
  readonly keyProperty: string | undefined;
  readonly skew: number;
  /** By topic of the part: the Subscription Identifiers that its messages carry. */
  readonly subscriptionIds: readonly (readonly number[])[];
  readonly payload: PayloadMix;
  readonly userProperties: number;
  /** Whether they have those of system-properties.ts. */
  readonly systemProperties: boolean;
  readonly qos: Qos;
  /** With 4, MQTT 3.1.1, no properties may be asked for. Undefined: 5. */
  readonly protocolVersion?: ProtocolVersion;
}

export interface PacketRound {
  readonly bytes: Buffer;
  readonly plan: MessagePlan;
  /** By packet: where it ends in `bytes`, but for what is shared. */
  readonly ends: Uint32Array;
  /** By packet: where its packet identifier stands; -1 at QoS 0. */
  readonly packetIdAt: Int32Array;
  /** By packet: where its stamp stands; -1 where the payload has no room for one. */
  readonly stampAt: Int32Array;
  /** By packet: what its stamp's check is made of. */
  readonly contents: Uint32Array;
  /** By size of the mix: what follows the stamp in every payload of it; undefined: nothing is shared. */
  readonly shared: readonly (Buffer | undefined)[];
  readonly packetBytesMax: number;
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
  bytes.push(encoded.length >> 8, encoded.length & 0xff);
  for (let n = 0; n < encoded.length; n += 1) bytes.push(encoded[n] as number);
}

function pushUserProperty(bytes: number[], [name, value]: readonly [string, string]): void {
  bytes.push(0x26);
  pushString(bytes, name);
  pushString(bytes, value);
}

/** What all packets have in common. */
function propertiesOf({ userProperties, systemProperties }: RoundOptions): number[] {
  const properties: number[] = systemProperties ? [...systemPropertiesOfPublish()] : [];
  for (let n = 0; n < userProperties; n += 1) pushUserProperty(properties, userPropertyOf(n));
  return properties;
}

interface VariableHeader {
  readonly bytes: Buffer;
  /** Where the packet identifier stands; -1 at QoS 0. */
  readonly packetIdAt: number;
  readonly keyChecksum: number;
}

/** Variable headers by topic and key: of as many pairs as there are of the more of both. */
class VariableHeaders {
  bytesMax = 0;
  readonly #options: RoundOptions;
  readonly #common: number[];
  readonly #headers: (VariableHeader | undefined)[] = [];

  constructor(options: RoundOptions) {
    this.#options = options;
    this.#common = propertiesOf(options);
  }

  of(topic: number, key: number): VariableHeader {
    const index = this.#options.topics.length >= this.#options.keys.length ? topic : key;
    const made = this.#headers[index] ?? this.#make(topic, key);
    this.#headers[index] = made;
    return made;
  }

  #make(topic: number, key: number): VariableHeader {
    const { topicRoot, topics, routes, keys, keyProperty, qos } = this.#options;
    const topicName = topicNameOf(topicRoot, topics[topic] as number, routes);
    const bytes: number[] = [];
    pushString(bytes, topicName);
    const packetIdAt = qos > 0 ? bytes.length : -1;
    if (qos > 0) bytes.push(0, 0);
    const properties: number[] = [];
    for (const id of this.#options.subscriptionIds[topic] ?? []) {
      properties.push(0x0b);
      pushVarint(properties, id);
    }
    properties.push(...this.#common);
    const keyText = keyProperty === undefined ? topicName : keyOf(keys[key] as number);
    if (keyProperty !== undefined) pushUserProperty(properties, [keyProperty, keyText]);
    if (this.#options.protocolVersion !== 4) pushVarint(bytes, properties.length);
    const whole = Buffer.from(bytes.concat(properties));
    this.bytesMax = Math.max(this.bytesMax, whole.length);
    return { bytes: whole, packetIdAt, keyChecksum: keyChecksum(Buffer.from(keyText)) };
  }
}

/** How many of each payload's bytes stand in the buffer. */
function inlineBytesOf(
  mix: PayloadMix,
  { plan, headerBytes, parts }: { plan: MessagePlan; headerBytes: number; parts: number },
): number[] {
  const counts = mix.map(() => 0);
  for (const size of plan.sizes) counts[size] = (counts[size] as number) + 1;
  const inline = mix.map(({ bytes }) => bytes);
  const share = (index: number) => {
    inline[index] = Math.min(inline[index] as number, STAMP_BYTES);
  };
  for (const [n, { bytes }] of mix.entries()) if (bytes >= SHARED_PAYLOAD_BYTES_MIN) share(n);
  for (;;) {
    const bytes = inline.reduce((sum, each, n) => sum + each * (counts[n] as number), headerBytes);
    if (bytes <= ROUND_BYTES_MAX / parts) return inline;
    const largest = Math.max(...inline);
    if (largest <= STAMP_BYTES) {
      const limit = Math.floor(ROUND_BYTES_MAX / 2 ** 20);
      throw new OperatingError(
        'ERR_BENCH_GENERATOR',
        `the load's topics and properties take more than ${limit} MiB; have fewer of them`,
      );
    }
    share(inline.indexOf(largest));
  }
}

/** As many messages as make the buffer long enough, and the shares right. */
function planRound(options: RoundOptions): MessagePlan {
  const { topics, keys, skew, payload, index, parts } = options;
  const part = { index, parts };
  const planned = { topics: topics.length, keys: keys.length, skew, payload, part };
  const least = planLengthMin(planned);
  const each = payload.map(({ bytes }) => (bytes < SHARED_PAYLOAD_BYTES_MIN ? bytes : STAMP_BYTES));
  const payloadBytes = payload.reduce(
    (sum, { percent }, n) => sum + ((each[n] as number) * percent) / 100,
    0,
  );
  const header = new VariableHeaders(options).of(0, 0);
  const bytes = least * (header.bytes.length + FIXED_HEADER_BYTES_MAX + payloadBytes);
  const bytesMin = Math.max(SMALL_ROUND_BYTES_MIN, ROUND_BYTES_MIN / parts);
  return planMessages(planned, least * Math.ceil(bytesMin / bytes));
}

/** Throws an OperatingError where headers alone would take more than ROUND_BYTES_MAX. */
export function layOutPackets(options: RoundOptions): PacketRound {
  const plan = planRound(options);
  const { length } = plan;
  const headers = new VariableHeaders(options);
  const headerOf = (n: number) => headers.of(plan.topics[n] as number, plan.keys[n] as number);
  let headerBytes = length * FIXED_HEADER_BYTES_MAX;
  for (let n = 0; n < length; n += 1) headerBytes += headerOf(n).bytes.length;
  const inline = inlineBytesOf(options.payload, { plan, headerBytes, parts: options.parts });
  const payloads = options.payload.map(({ bytes }) => payloadOf(bytes));
  const checksums = payloads.map(payloadChecksum);
  const roundBytes = plan.sizes.reduce((sum, size) => sum + (inline[size] as number), headerBytes);
  const bytes = Buffer.allocUnsafe(roundBytes);
  const round = {
    ends: new Uint32Array(length),
    packetIdAt: new Int32Array(length),
    stampAt: new Int32Array(length),
    contents: new Uint32Array(length),
  };
  let at = 0;
  for (let n = 0; n < length; n += 1) {
    const header = headerOf(n);
    const size = plan.sizes[n] as number;
    const payload = payloads[size] as Buffer;
    at += writeFixedHeader(bytes, at, options.qos, header.bytes.length + payload.length);
    round.packetIdAt[n] = header.packetIdAt < 0 ? -1 : at + header.packetIdAt;
    at += header.bytes.copy(bytes, at);
    round.stampAt[n] = payload.length < STAMP_BYTES ? -1 : at;
    round.contents[n] = contentChecksum(header.keyChecksum, checksums[size] as number);
    at += payload.copy(bytes, at, 0, inline[size]);
    round.ends[n] = at;
  }
  const shared = payloads.map((payload, size) =>
    (inline[size] as number) < payload.length ? payload.subarray(inline[size]) : undefined,
  );
  const largest = Math.max(...payloads.map((payload) => payload.length));
  const packetBytesMax = FIXED_HEADER_BYTES_MAX + headers.bytesMax + largest;
  return { bytes: bytes.subarray(0, at), plan, ...round, shared, packetBytesMax };
}

/** Returns its length. */
function writeFixedHeader(bytes: Buffer, at: number, qos: Qos, remaining: number): number {
  const header = [0x30 | (qos << 1)];
  pushVarint(header, remaining);
  bytes.set(header, at);
  return header.length;
}
