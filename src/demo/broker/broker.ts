import { createServer, type Server, type Socket } from 'node:net';
import { OperatingError } from '../../base/errors.js';
import type { BrokerState } from './broker-state.js';
import { Connection, type ConnectionContext } from './connection.js';
import { type Counters, createCounters } from './counters.js';
import { createFaults } from './faults.js';
import { handlePacket } from './handle/handle.js';
import { publishMessage } from './handle/handle-publish.js';
import { createMessage, type PublishInput } from './message.js';
import { applyDefaults, type BrokerHooks, type BrokerOptions } from './options.js';
import { type ReceivedPacket, Recorder } from './recorder.js';
import type { Session } from './session/session.js';
import { SessionStore } from './session/session-store.js';
import { RetainedMessages } from './topic/retained.js';
import { SubscriptionIndex } from './topic/subscription-index.js';
import { ReasonCode } from './wire/reason-code.js';

/* An MQTT v5 broker in the process, for the demo and for tests: QoS 0 and 1, on 127.0.0.1 only, in
 * memory only. What it leaves out it refuses: QoS 2, Will Messages, extended authentication.
 *
 * Follow a PUBLISH: connection.ts -> handle/handle-publish.ts -> fan-out.ts -> session.ts ->
 * connection.ts. Everything happens on the thread that made the broker.
 */

/** What a session holds at the moment. */
export interface SessionView {
  readonly clientId: string;
  readonly connected: boolean;
  readonly queued: number;
  readonly inFlight: number;
  readonly heldBytes: number;
  readonly topicFilters: readonly string[];
}

export function createBroker(options: BrokerOptions = {}): Broker {
  return new Broker(options);
}

export class Broker {
  /** May be changed at any time. */
  readonly hooks: BrokerHooks;
  readonly counters: Counters = createCounters();
  readonly #state: BrokerState;
  readonly #context: ConnectionContext;
  readonly #connections = new Set<Connection>();
  readonly #closing = new Set<Promise<void>>();
  #server: Server | undefined;

  constructor(options: BrokerOptions) {
    this.hooks = { ...options.hooks };
    const settings = applyDefaults(options);
    const faults = createFaults();
    const { counters, hooks } = this;
    const index = new SubscriptionIndex();
    const state: BrokerState = {
      settings,
      hooks,
      counters,
      faults,
      index,
      sessions: new SessionStore({ settings, counters, held: faults.heldPublishes }, index),
      retained: new RetainedMessages(settings.retainedMessagesMax),
      recorder: new Recorder(settings.recordedPacketsMax),
      connected: new Map(),
    };
    this.#state = state;
    this.#context = {
      settings,
      onPacket: (connection, packet, bodyStart, owned) =>
        handlePacket(state, connection, packet, { bodyStart, owned }),
      onClosed: (connection) => this.#onClosed(connection),
    };
  }

  /** Opens a port on 127.0.0.1, any free one for 0. After a `close` it may be called again: the
   * sessions are still there. */
  async listen(port = 0): Promise<{ host: string; port: number }> {
    if (this.#server !== undefined)
      throw new OperatingError('ERR_BROKER_LISTENING', 'the broker is listening already');
    const server = createServer((socket) => this.#onSocket(socket));
    this.#server = server;
    const host = '127.0.0.1';
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen(port, host, resolve);
      });
    } catch (cause) {
      this.#server = undefined;
      const message = `cannot listen on ${host}:${port}`;
      throw new OperatingError('ERR_BROKER_LISTEN', message, { cause });
    }
    this.#state.sessions.resume();
    const address = server.address();
    return { host, port: typeof address === 'object' && address !== null ? address.port : port };
  }

  /** Disconnects all clients and frees the port; resolves when every socket is gone. */
  async close(): Promise<void> {
    const server = this.#server;
    if (server === undefined) return;
    this.#server = undefined;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const connection of [...this.#connections]) {
      if (connection.phase === 'open') connection.disconnect(ReasonCode.serverShuttingDown);
      else connection.drop();
    }
    await Promise.all([closed, ...this.#closing]);
    this.#state.sessions.suspend();
  }

  /** Publishes from inside; returns for how many sessions it was queued. */
  publish(input: PublishInput): number {
    const message = createMessage(input, this.#state.settings.clock);
    return publishMessage(this.#state, message).queued;
  }

  sessions(): SessionView[] {
    return [...this.#state.sessions.values()].map(viewOf);
  }

  session(clientId: string): SessionView | undefined {
    const session = this.#state.sessions.get(clientId);
    return session === undefined ? undefined : viewOf(session);
  }

  /** The packets of a client, in order; kept only with `recordedPacketsMax`. */
  recorded(clientId: string): readonly ReceivedPacket[] {
    return this.#state.recorder.of(clientId);
  }

  /** Cuts connections as a failing network does; returns how many. */
  dropConnections(clientId?: string): number {
    const doomed = [...this.#connections].filter(
      (each) => clientId === undefined || each.session?.clientId === clientId,
    );
    for (const connection of doomed) connection.drop();
    return doomed.length;
  }

  /** Sends DISCONNECT; false where the client is not connected. */
  disconnect(clientId: string, reasonCode: number = ReasonCode.administrativeAction): boolean {
    const connection = this.#state.connected.get(clientId);
    connection?.disconnect(reasonCode);
    return connection !== undefined;
  }

  /** Stops reading the client's sockets, until the function that comes back is called. */
  pauseReading(clientId: string): () => void {
    this.#state.faults.pausedReading.add(clientId);
    this.#state.connected.get(clientId)?.pause('fault');
    return () => {
      this.#state.faults.pausedReading.delete(clientId);
      this.#state.connected.get(clientId)?.resume('fault');
    };
  }

  /** Keeps PUBLISHes for the client in its queue, until the function that comes back is called. */
  holdPublishes(clientId: string): () => void {
    this.#state.faults.heldPublishes.add(clientId);
    return () => {
      this.#state.faults.heldPublishes.delete(clientId);
      this.#state.sessions.get(clientId)?.pump();
    };
  }

  /** Keeps back the PUBACKs for what the client publishes, until the function that comes back is
   * called; those of a connection that ends meanwhile are lost with it. */
  holdPubacks(clientId: string): () => void {
    this.#state.faults.heldPubacks.add(clientId);
    return () => {
      this.#state.faults.heldPubacks.delete(clientId);
      const connection = this.#state.connected.get(clientId);
      for (const { packetId, reasonCode } of connection?.heldPubacks.splice(0) ?? [])
        connection?.sendPuback(packetId, reasonCode);
    };
  }

  /** Loses a session, as a broker without a disk does: the client is cut off, and its next connect
   * gets Session Present 0. False where there is none. */
  discardSession(clientId: string): boolean {
    const session = this.#state.sessions.get(clientId);
    this.#state.connected.get(clientId)?.drop();
    if (session !== undefined) this.#state.sessions.discard(session);
    return session !== undefined;
  }

  /** Answers every CONNECT with `reasonCode`, until the function that comes back is called. */
  refuseConnections(reasonCode: number): () => void {
    this.#state.faults.refusal = reasonCode;
    return () => {
      this.#state.faults.refusal = undefined;
    };
  }

  /** Writes bytes to a client as they are; false where it is not connected. */
  sendRaw(clientId: string, bytes: Uint8Array): boolean {
    const connection = this.#state.connected.get(clientId);
    connection?.sendBytes(Buffer.from(bytes));
    return connection !== undefined;
  }

  #onSocket(socket: Socket): void {
    const connection = new Connection(socket, this.#context);
    this.#connections.add(connection);
    const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
  }

  #onClosed(connection: Connection): void {
    this.#connections.delete(connection);
    const { session, reasonCode, endedBy } = connection;
    if (session === undefined) return;
    if (this.#state.connected.get(session.clientId) === connection)
      this.#state.connected.delete(session.clientId);
    session.detach(connection);
    this.#state.sessions.leave(session);
    const wrong = endedBy === 'broker' && isProtocolError(reasonCode);
    if (wrong) this.counters.protocolErrors += 1;
    this.hooks.onDisconnected?.(session.clientId, reasonCode, endedBy);
  }
}

function viewOf(session: Session): SessionView {
  return {
    clientId: session.clientId,
    connected: session.connected,
    queued: session.queued,
    inFlight: session.inFlight,
    heldBytes: session.heldBytes,
    topicFilters: [...session.subscriptions.keys()],
  };
}

function isProtocolError(reasonCode: number | undefined): boolean {
  return reasonCode === ReasonCode.malformedPacket || reasonCode === ReasonCode.protocolError;
}
