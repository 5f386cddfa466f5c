/* PlayedBroker: the generator as a broker of MQTT v5 and 3.1.1 as far as a client can tell, without routing,
 * storage or other clients, so that no broker limits what is measured. The load is dealt to the connections
 * that subscribed, each message to one of them, as with a shared subscription.
 *
 * A session is never resumed: a connection that closes with messages in flight ends the run.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import type { LoadConnection } from '../load/connection.js';
import type { MqttSide, SideContext } from '../load/mqtt-side.js';
import { AcceptedConnection } from './accepted-connection.js';

const HOST = '127.0.0.1';

export class PlayedBroker implements MqttSide {
  readonly #subscribers: number;
  readonly #context: SideContext;
  readonly #server: Server;
  readonly #accepted = new Set<AcceptedConnection>();
  #connections: readonly LoadConnection[] = [];

  /** @param subscribers over how many connections the connector is to receive */
  constructor(subscribers: number, context: SideContext) {
    this.#subscribers = subscribers;
    this.#context = context;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on a free port of 127.0.0.1. */
  async open(): Promise<string> {
    this.#server.listen(0, HOST);
    await once(this.#server, 'listening');
    return `${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  get connections(): readonly LoadConnection[] {
    return this.#connections;
  }

  get isReady(): boolean {
    return this.#connections.length >= this.#subscribers;
  }

  close(): void {
    for (const { connection } of this.#accepted) connection.close();
    this.#server.close();
  }

  #accept(socket: Socket): void {
    const accepted = new AcceptedConnection(socket, {
      ...this.#context,
      parts: this.#subscribers,
      takePart: () => this.#freePart(),
      onSubscribed: () => {
        this.#list();
        this.#context.onProgress(performance.now());
      },
    });
    this.#accepted.add(accepted);
    socket.on('close', () => {
      this.#accepted.delete(accepted);
      this.#list();
      this.#context.onLost(accepted.connection);
    });
  }

  #list(): void {
    const subscribed = [...this.#accepted].filter(({ isSubscribed }) => isSubscribed);
    this.#connections = subscribed.map(({ connection }) => connection);
  }

  /** The part of the load that the fewest have. */
  #freePart(): number {
    const holders = Array.from({ length: this.#subscribers }, () => 0);
    for (const { part } of this.#accepted) {
      if (part !== undefined) holders[part] = (holders[part] as number) + 1;
    }
    return holders.indexOf(Math.min(...holders));
  }
}
