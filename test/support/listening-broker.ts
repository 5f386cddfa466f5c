import type { Duplex } from 'node:stream';
import type { TlsOptions } from 'node:tls';
import {
  generate,
  type IConnackPacket,
  type IPublishPacket,
  type ISubscribePacket,
  type Packet,
  parser,
} from 'mqtt-packet';
import { listenPeer, type PeerKind, type Teardown } from './peer.js';

/* A broker on a real socket that does what the test says: accepts CONNECT, takes PUBLISHes. */

export class ListeningBroker {
  readonly #streams: Duplex[] = [];
  #port = 0;
  readonly publishes: IPublishPacket[] = [];
  /** Every packet that came, over any connection. */
  readonly packets: Packet[] = [];
  /** What the next CONNACK says. */
  connack: Partial<IConnackPacket> = {};
  /** Called with each PUBLISH, which is acknowledged by default. */
  onPublish: (publish: IPublishPacket) => void = (publish) => this.puback(publish);
  /** Called with each SUBSCRIBE, which nobody answers by default. */
  onSubscribe: (subscribe: ISubscribePacket) => void = () => {};
  bytesRead = 0;

  static async listen(
    test: Teardown,
    kind: PeerKind = 'tcp',
    tls: TlsOptions = {},
  ): Promise<ListeningBroker> {
    const broker = new ListeningBroker();
    const { port } = await listenPeer(test, kind, tls, (stream) => broker.#accept(stream));
    broker.#port = port;
    return broker;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#streams.length;
  }

  /** The connection that came last. */
  get socket(): Duplex {
    return this.#streams.at(-1) as Duplex;
  }

  puback({ qos, messageId }: IPublishPacket, reasonCode = 0): void {
    if (qos === 1) this.send({ cmd: 'puback', messageId: messageId as number, reasonCode });
  }

  suback({ messageId }: ISubscribePacket, reasonCode: number): void {
    this.send({ cmd: 'suback', messageId: messageId as number, granted: [reasonCode] });
  }

  send(packet: Packet): void {
    this.socket.write(generate(packet, { protocolVersion: 5 }));
  }

  #accept(socket: Duplex): void {
    this.#streams.push(socket);
    const reader = parser({ protocolVersion: 5 });
    reader.on('packet', (packet) => {
      this.packets.push(packet);
      if (packet.cmd === 'connect') {
        this.send({ cmd: 'connack', reasonCode: 0, sessionPresent: false, ...this.connack });
      } else if (packet.cmd === 'publish') {
        this.publishes.push(packet);
        this.onPublish(packet);
      } else if (packet.cmd === 'subscribe') {
        this.onSubscribe(packet);
      }
    });
    socket.on('data', (bytes) => {
      this.bytesRead += bytes.length;
      reader.parse(bytes);
    });
  }
}
