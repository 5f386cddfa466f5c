import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { generate, type IAuthPacket, type IConnectPacket, type Packet, parser } from 'mqtt-packet';

/* Stands before a broker and asks for service account tokens by enhanced authentication, which mosquitto does
 * not know: K8S-SAT, in CONNECT and by AUTH. All else is the broker's own. */

interface Address {
  readonly host: string;
  readonly port: number;
}

const METHOD = 'K8S-SAT';
const NOT_AUTHORIZED = 0x87;
const RE_AUTHENTICATE = 0x19;

export class TokenGateway {
  /** Tokens that are good now. */
  readonly accepted = new Set<string>();
  /** Whether another one may be shown on an open connection. */
  takesAuth = true;
  connections = 0;
  reauthentications = 0;
  refusals = 0;
  readonly #server: Server;
  readonly #broker: () => Address;
  readonly #sockets = new Set<Socket>();

  private constructor(broker: () => Address) {
    this.#broker = broker;
    this.#server = createServer((client) => this.#onClient(client));
  }

  /** @param broker asked for each connection */
  static async start(
    t: { teardown(callback: () => void): void },
    broker: () => Address,
  ): Promise<TokenGateway> {
    const gateway = new TokenGateway(broker);
    gateway.#server.listen(0, '127.0.0.1');
    await once(gateway.#server, 'listening');
    t.teardown(() => {
      gateway.#server.close();
      for (const socket of gateway.#sockets) socket.destroy();
    });
    return gateway;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #onClient(client: Socket): void {
    const { host, port } = this.#broker();
    const upstream = connect(port, host);
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.end();
      });
    }
    upstream.pipe(client);
    const reader = parser({ protocolVersion: 5 });
    reader.on('packet', (packet) => this.#onPacket(packet, client, upstream));
    client.on('data', (bytes) => reader.parse(bytes));
  }

  #onPacket(packet: Packet, client: Socket, upstream: Socket): void {
    if (packet.cmd === 'connect') this.#onConnect(packet, client, upstream);
    else if (packet.cmd === 'auth') this.#onAuth(packet, client);
    else upstream.write(generate(packet, { protocolVersion: 5 }));
  }

  #onConnect(packet: IConnectPacket, client: Socket, upstream: Socket): void {
    const { authenticationMethod, authenticationData, ...properties } = packet.properties ?? {};
    if (!this.#isGood(authenticationMethod, authenticationData)) {
      const refusal = {
        cmd: 'connack',
        reasonCode: NOT_AUTHORIZED,
        sessionPresent: false,
      } as const;
      this.#refuse(client, refusal);
      return;
    }
    this.connections += 1;
    upstream.write(generate({ ...packet, properties }, { protocolVersion: 5 }));
  }

  #onAuth({ reasonCode, properties }: IAuthPacket, client: Socket): void {
    const { authenticationMethod, authenticationData } = properties ?? {};
    const isGood = this.#isGood(authenticationMethod, authenticationData);
    if (reasonCode !== RE_AUTHENTICATE || !isGood || !this.takesAuth) {
      this.#refuse(client, { cmd: 'disconnect', reasonCode: NOT_AUTHORIZED });
      return;
    }
    this.reauthentications += 1;
    const answer = { authenticationMethod: METHOD };
    client.write(
      generate({ cmd: 'auth', reasonCode: 0, properties: answer }, { protocolVersion: 5 }),
    );
  }

  #isGood(method: string | undefined, data: Buffer | undefined): boolean {
    return method === METHOD && this.accepted.has(`${data}`);
  }

  #refuse(client: Socket, packet: Packet): void {
    this.refusals += 1;
    client.end(generate(packet, { protocolVersion: 5 }));
  }
}
