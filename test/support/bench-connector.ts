/* A connector for the bench's own tests: subscribes as Millrace would, acknowledges, and has no
 * Kafka behind it. It can be told to misbehave.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import type { Packet } from 'mqtt-packet';
import mqttPacket from 'mqtt-packet';
import { FeedPlan } from '../../src/bench/load/feed-plan.js';
import { viewOf, writeStamp } from '../../src/bench/load/stamp.js';
import { BENCH_DEFAULTS, feedOf, PARTITIONS_TO_READ } from '../../src/bench/options.js';

export type Behaviour =
  | 'orderly'
  /** Each burst of PUBLISHes is acknowledged from the last to the first. */
  | 'reversed'
  /** Every PUBACK says 0x97, quota exceeded. */
  | 'refusing'
  /** Never acknowledges the tenth message. */
  | 'forgetful'
  /** Never acknowledges anything. */
  | 'silent'
  /** Closes the connection at the tenth message. */
  | 'fragile'
  /** Connects, and subscribes to something else. */
  | 'elsewhere'
  /** Publishes ten of all the records of a bench: one of them late, and one again. */
  | 'lossy'
  /** Publishes ten of all the records of a bench, and one of them is not what was written. */
  | 'altering'
  /** Publishes ten of all the records of a bench, at QoS 0. */
  | 'downgrading';

export interface BenchConnectorOptions {
  readonly port: number;
  readonly behaviour: Behaviour;
  readonly receiveMaximum: number;
  readonly qos: 0 | 1;
  readonly subscriptionIdentifier: number;
  readonly maximumPacketSize?: number;
  /** 4 is MQTT 3.1.1, which has neither Receive Maximum nor Subscription Identifier. Default 5. */
  readonly protocolVersion?: 3 | 4 | 5;
  /** Every PUBLISH as it came; only tests that look inside ask for it. */
  readonly onPublish?: (packet: Buffer) => void;
}

const ODD_ONE = 10;
const QUOTA_EXCEEDED = 0x97;
const SUBACK = 0x90;

export class BenchConnector {
  received = 0;
  /** Its SUBACK has come. */
  subscribed = false;
  /** The most messages that ever waited for a PUBACK at the same moment. */
  waitingMax = 0;
  #rest = Buffer.alloc(0);
  #waiting: number[] = [];
  readonly #socket: Socket;
  readonly #options: BenchConnectorOptions;

  private constructor(socket: Socket, options: BenchConnectorOptions) {
    this.#socket = socket;
    this.#options = options;
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('error', () => socket.destroy());
  }

  static async dial(options: BenchConnectorOptions): Promise<BenchConnector> {
    const socket = connect(options.port, '127.0.0.1');
    await once(socket, 'connect');
    const connector = new BenchConnector(socket, options);
    const { receiveMaximum, maximumPacketSize, behaviour, qos, protocolVersion = 5 } = options;
    const limit = maximumPacketSize === undefined ? {} : { maximumPacketSize };
    connector.#send({
      cmd: 'connect',
      protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion,
      clientId: 'bench-connector',
      clean: false,
      keepalive: 60,
      properties: { receiveMaximum, ...limit },
    });
    if (behaviour === 'lossy' || behaviour === 'altering' || behaviour === 'downgrading') {
      connector.#publishSome(behaviour);
    }
    connector.#send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [{ topic: behaviour === 'elsewhere' ? 'other/#' : 'bench/#', qos }],
      properties: { subscriptionIdentifier: options.subscriptionIdentifier },
    });
    return connector;
  }

  /** Of the first partition, where a bench is not told otherwise. */
  #publishSome(behaviour: 'lossy' | 'altering' | 'downgrading'): void {
    const target = { bootstrapServers: '', kafkaTopic: '', embedded: true };
    const plan = new FeedPlan(feedOf(BENCH_DEFAULTS, target), PARTITIONS_TO_READ);
    const sequences =
      behaviour === 'lossy' ? [0, 1, 3, 2, 2, 4, 5, 6, 7, 8, 9] : [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    for (const [n, sequence] of sequences.entries()) {
      const index = sequence * PARTITIONS_TO_READ;
      const payload = Buffer.from(plan.payload);
      writeStamp(viewOf(payload), 0, plan.contentOf(index), index, 0);
      if (behaviour === 'altering' && n === 3) payload.write('altered', 100);
      const flags = { dup: false, retain: false } as const;
      const qos = behaviour === 'downgrading' ? 0 : 1;
      const topic = `feed/${plan.keyOf(index)}`;
      this.#send({ cmd: 'publish', topic, messageId: n + 1, payload, qos, ...flags });
    }
  }

  /** Ends the connection; what was not acknowledged stays so. */
  close(): void {
    this.#socket.destroy();
  }

  get closed(): Promise<unknown> {
    return this.#socket.closed ? Promise.resolve() : once(this.#socket, 'close');
  }

  #send(packet: Packet): void {
    this.#socket.write(
      mqttPacket.generate(packet, { protocolVersion: this.#options.protocolVersion ?? 5 }),
    );
  }

  #read(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      const end = endOfPacket(bytes, at);
      if (end === undefined) break;
      if ((bytes[at] as number) >> 4 === 3) this.#publish(bytes.subarray(at, end));
      else if (bytes[at] === SUBACK) this.subscribed = true;
      at = end;
    }
    this.#rest = Buffer.from(bytes.subarray(at));
    this.#acknowledge();
  }

  #publish(packet: Buffer): void {
    this.received += 1;
    this.#options.onPublish?.(packet);
    const { behaviour, qos } = this.#options;
    if (behaviour === 'fragile' && this.received === ODD_ONE) this.#socket.destroy();
    if (qos === 0 || behaviour === 'silent') return;
    if (behaviour === 'forgetful' && this.received === ODD_ONE) return;
    let at = 2;
    while ((packet[at - 1] as number) >= 0x80) at += 1;
    const topicBytes = packet.readUInt16BE(at);
    this.#waiting.push(packet.readUInt16BE(at + 2 + topicBytes));
  }

  #acknowledge(): void {
    const { behaviour } = this.#options;
    this.waitingMax = Math.max(this.waitingMax, this.#waiting.length);
    const packetIds = behaviour === 'reversed' ? this.#waiting.reverse() : this.#waiting;
    const refusing = behaviour === 'refusing';
    const size = refusing ? 5 : 4;
    const pubacks = Buffer.allocUnsafe(packetIds.length * size);
    for (const [n, packetId] of packetIds.entries()) {
      pubacks.writeUInt16BE(0x4000 | (size - 2), n * size);
      pubacks.writeUInt16BE(packetId, n * size + 2);
      if (refusing) pubacks[n * size + 4] = QUOTA_EXCEEDED;
    }
    this.#waiting = [];
    if (pubacks.length > 0 && !this.#socket.destroyed) this.#socket.write(pubacks);
  }
}

/** Where the packet at `at` ends; undefined while it is not complete. */
function endOfPacket(bytes: Buffer, at: number): number | undefined {
  let remaining = 0;
  for (let n = 1; n <= 4; n += 1) {
    const byte = bytes[at + n];
    if (byte === undefined) return undefined;
    remaining += (byte & 0x7f) * 128 ** (n - 1);
    if (byte >= 0x80) continue;
    const end = at + 1 + n + remaining;
    return end <= bytes.length ? end : undefined;
  }
  throw new Error('a Remaining Length of more than four bytes');
}
