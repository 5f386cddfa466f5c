import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { IConnackPacket, IConnectPacket, IPubackPacket } from 'mqtt-packet';
import {
  generateControlPacket,
  parseControlPacket,
} from '../../src/demo/broker/wire/control-packet.js';
import { PacketCutter } from '../../src/demo/broker/wire/packet-cutter.js';
import {
  encodeProperties,
  type PublishProperties,
} from '../../src/demo/broker/wire/publish-properties.js';
import {
  layOutPublish,
  type OutgoingPublish,
  writePublishHead,
} from '../../src/demo/broker/wire/write-publish.js';

/* A publisher for tests: CONNECT, PUBLISH at QoS 0 and 1 with every property, user properties in
 * order, and PUBACKs awaited. It never sends more than the broker's Receive Maximum allows. */

export interface PublisherOptions {
  readonly port: number;
  readonly host?: string;
  readonly clientId?: string;
  readonly connect?: Partial<IConnectPacket>;
}

export interface Publication extends PublishProperties {
  readonly topic: string;
  readonly payload?: string | Uint8Array;
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
  readonly expirySeconds?: number;
}

export class MqttPublisher {
  readonly connack: IConnackPacket;
  readonly #socket: Socket;
  readonly #pending = new Map<number, (outcome: number | Error) => void>();
  readonly #waiting: (() => void)[] = [];
  readonly #receiveMaximum: number;
  #lastPacketId = 0;

  constructor(socket: Socket, connack: IConnackPacket) {
    this.#socket = socket;
    this.connack = connack;
    this.#receiveMaximum = connack.properties?.receiveMaximum ?? 65_535;
    socket.once('close', () => this.#fail());
  }

  /** Resolves with the reason code of the PUBACK; at QoS 0 with 0, once the bytes are written. */
  async publish(publication: Publication): Promise<number> {
    const qos = publication.qos ?? 1;
    if (qos === 0) {
      await new Promise<void>((resolve) => {
        this.#socket.write(encode(publication, 0), () => resolve());
      });
      return 0;
    }
    while (this.#pending.size >= this.#receiveMaximum)
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    const packetId = this.#freePacketId();
    const outcome = await new Promise<number | Error>((resolve) => {
      this.#pending.set(packetId, resolve);
      this.#socket.write(encode(publication, packetId));
    });
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  /** Sends DISCONNECT and resolves when the connection is closed. */
  async disconnect(): Promise<void> {
    if (this.#socket.destroyed) return;
    const closed = once(this.#socket, 'close');
    this.#socket.end(generateControlPacket({ cmd: 'disconnect', reasonCode: 0 }));
    await closed;
  }

  /** For `connectPublisher`: a PUBACK came. */
  acknowledge(puback: IPubackPacket): void {
    const packetId = puback.messageId ?? 0;
    this.#pending.get(packetId)?.(puback.reasonCode ?? 0);
    this.#pending.delete(packetId);
    this.#waiting.shift()?.();
  }

  #freePacketId(): number {
    do this.#lastPacketId = (this.#lastPacketId % 65_535) + 1;
    while (this.#pending.has(this.#lastPacketId));
    return this.#lastPacketId;
  }

  #fail(): void {
    const error = new Error('the connection closed before the PUBACK');
    for (const settle of this.#pending.values()) settle(error);
    this.#pending.clear();
    for (const resume of this.#waiting.splice(0)) resume();
  }
}

/** Connects; rejects where the broker refuses. */
export async function connectPublisher(options: PublisherOptions): Promise<MqttPublisher> {
  const socket = createConnection(options.port, options.host ?? '127.0.0.1');
  await once(socket, 'connect');
  let publisher: MqttPublisher | undefined;
  const connected = new Promise<IConnackPacket>((resolve, reject) => {
    const cutter = new PacketCutter(1024 * 1024, (bytes) => {
      const packet = parseControlPacket(bytes);
      if (packet?.cmd === 'connack') resolve(packet);
      else if (packet?.cmd === 'puback') publisher?.acknowledge(packet);
    });
    socket.on('data', (chunk) => cutter.push(chunk));
    socket.on('error', reject);
    socket.once('close', () => reject(new Error('the connection closed before the CONNACK')));
  });
  const clientId = options.clientId ?? '';
  const connect: IConnectPacket = { cmd: 'connect', clientId, clean: true, ...options.connect };
  socket.write(
    generateControlPacket({ protocolId: 'MQTT', protocolVersion: 5, keepalive: 0, ...connect }),
  );
  const connack = await connected;
  if (connack.reasonCode !== 0)
    throw new Error(`CONNACK with 0x${connack.reasonCode?.toString(16)}`);
  publisher = new MqttPublisher(socket, connack);
  return publisher;
}

function encode(publication: Publication, packetId: number): Buffer {
  const outgoing: OutgoingPublish = {
    qos: packetId === 0 ? 0 : 1,
    dup: false,
    retain: publication.retain ?? false,
    packetId,
    topic: Buffer.from(publication.topic),
    topicAlias: undefined,
    expirySeconds: publication.expirySeconds,
    subscriptionIdentifiers: Buffer.alloc(0),
    properties: encodeProperties(publication),
    payload: Buffer.from(publication.payload ?? ''),
  };
  const layout = layOutPublish(outgoing);
  const packet = Buffer.alloc(layout.headBytes + outgoing.payload.length);
  writePublishHead(outgoing, layout, { target: packet, offset: 0 });
  outgoing.payload.copy(packet, layout.headBytes);
  return packet;
}
