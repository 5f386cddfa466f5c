import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type {
  IConnackPacket,
  IConnectPacket,
  IPublishPacket,
  ISubscription,
  Packet,
} from 'mqtt-packet';
import { generate, parser } from 'mqtt-packet';
import type { Broker } from '../../../src/demo/broker/broker.js';
import { PacketCutter } from '../../../src/demo/broker/wire/packet-cutter.js';

/* A client whose every packet the test decides. It reads with mqtt-packet, not with the broker's own
 * reader, and acknowledges nothing by itself. */

export interface Arrived {
  readonly packet: Packet;
  readonly bytes: Buffer;
}

const version5 = { protocolVersion: 5 };

export class RawClient {
  readonly socket: Socket;
  /** Resolves when the broker, or we, closed the socket. */
  readonly closed: Promise<unknown>;
  readonly #arrived: Arrived[] = [];
  #waiting: ((arrived: Arrived) => void) | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    const cutter = new PacketCutter(268_435_460, (packet) => this.#take(Buffer.from(packet)));
    socket.on('data', (chunk) => cutter.push(chunk));
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet, version5));
  }

  write(bytes: Uint8Array): void {
    this.socket.write(bytes);
  }

  async next(): Promise<Arrived> {
    const first = this.#arrived.shift();
    if (first !== undefined) return first;
    return await new Promise((resolve) => {
      this.#waiting = resolve;
    });
  }

  /** The next packet, which must be a PUBLISH. */
  async publish(): Promise<IPublishPacket> {
    const { packet } = await this.next();
    if (packet.cmd !== 'publish') throw new Error(`${packet.cmd} instead of PUBLISH`);
    return packet;
  }

  /** Everything that arrives before the answer to a PINGREQ. */
  async untilPong(): Promise<Packet[]> {
    this.send({ cmd: 'pingreq' });
    const packets: Packet[] = [];
    for (;;) {
      const { packet } = await this.next();
      if (packet.cmd === 'pingresp') return packets;
      packets.push(packet);
    }
  }

  async publishesUntilPong(): Promise<IPublishPacket[]> {
    const packets = await this.untilPong();
    return packets.filter((packet): packet is IPublishPacket => packet.cmd === 'publish');
  }

  async connect(options: Partial<IConnectPacket> = {}): Promise<IConnackPacket> {
    this.send({
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: 5,
      clientId: 'client',
      clean: true,
      keepalive: 0,
      ...options,
    });
    const { packet } = await this.next();
    if (packet.cmd !== 'connack') throw new Error(`${packet.cmd} instead of CONNACK`);
    return packet;
  }

  /** Returns the reason codes of the SUBACK. */
  async subscribe(
    subscriptions: (Partial<ISubscription> & { topic: string })[],
    subscriptionIdentifier?: number,
  ): Promise<unknown> {
    const properties = subscriptionIdentifier === undefined ? {} : { subscriptionIdentifier };
    this.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: subscriptions.map((each) => ({ qos: 1, ...each })),
      properties,
    });
    const { packet } = await this.next();
    if (packet.cmd !== 'suback') throw new Error(`${packet.cmd} instead of SUBACK`);
    return packet.granted;
  }

  puback(packetId: number | undefined, reasonCode = 0): void {
    this.send({ cmd: 'puback', messageId: packetId ?? 0, reasonCode });
  }

  async end(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  #take(bytes: Buffer): void {
    const reader = parser(version5);
    reader.on('packet', (packet) => {
      const arrived = { packet, bytes };
      if (this.#waiting === undefined) this.#arrived.push(arrived);
      else this.#waiting(arrived);
      this.#waiting = undefined;
    });
    reader.parse(bytes);
  }
}

export async function openClient(port: number): Promise<RawClient> {
  const socket = createConnection(port, '127.0.0.1');
  await once(socket, 'connect');
  return new RawClient(socket);
}

/** A client with a lasting session, unless `options` say otherwise. */
export async function connectClient(
  port: number,
  clientId: string,
  options: Partial<IConnectPacket> = {},
): Promise<RawClient> {
  const client = await openClient(port);
  const properties = { sessionExpiryInterval: 3600, ...options.properties };
  const connack = await client.connect({ clientId, clean: false, ...options, properties });
  if (connack.reasonCode !== 0) throw new Error(`CONNACK ${connack.reasonCode}`);
  return client;
}

/** Resolves at the next disconnection that the broker notices. */
export function nextDisconnected(broker: Broker): Promise<number | undefined> {
  return new Promise((resolve) => {
    broker.hooks.onDisconnected = (_clientId, reasonCode) => resolve(reasonCode);
  });
}
