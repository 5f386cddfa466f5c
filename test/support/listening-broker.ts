import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import {
  generate,
  type IConnackPacket,
  type IPublishPacket,
  type Packet,
  parser,
} from 'mqtt-packet';

/* A broker on a real socket that does what the test says: accepts CONNECT, takes PUBLISHes. */

export class ListeningBroker {
  readonly #server: Server;
  readonly #sockets: Socket[] = [];
  readonly publishes: IPublishPacket[] = [];
  /** What the next CONNACK says. */
  connack: Partial<IConnackPacket> = {};
  /** Called with each PUBLISH, which is acknowledged by default. */
  onPublish: (publish: IPublishPacket) => void = (publish) => this.puback(publish);
  connections = 0;
  bytesRead = 0;

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#accept(socket));
  }

  static async listen(test: { teardown(callback: () => void): void }): Promise<ListeningBroker> {
    const server = createServer();
    const broker = new ListeningBroker(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    test.teardown(() => {
      server.close();
      for (const socket of broker.#sockets) socket.destroy();
    });
    return broker;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** The connection that came last. */
  get socket(): Socket {
    return this.#sockets.at(-1) as Socket;
  }

  puback({ qos, messageId }: IPublishPacket, reasonCode = 0): void {
    if (qos === 1) this.#send({ cmd: 'puback', messageId: messageId as number, reasonCode });
  }

  #send(packet: Packet): void {
    this.socket.write(generate(packet, { protocolVersion: 5 }));
  }

  #accept(socket: Socket): void {
    this.connections++;
    this.#sockets.push(socket);
    const reader = parser({ protocolVersion: 5 });
    reader.on('packet', (packet) => {
      if (packet.cmd === 'connect') {
        this.#send({ cmd: 'connack', reasonCode: 0, sessionPresent: false, ...this.connack });
      } else if (packet.cmd === 'publish') {
        this.publishes.push(packet);
        this.onPublish(packet);
      }
    });
    socket.on('data', (bytes) => {
      this.bytesRead += bytes.length;
      reader.parse(bytes);
    });
    socket.on('error', () => {});
  }
}
