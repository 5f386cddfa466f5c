/* The load generator: an MQTT v5 broker as far as a subscriber can tell, without routing, storage or
 * other clients, so that no broker limits what is measured. Runs in a process of its own.
 *
 * Messages are dealt to the connections that subscribed, each message to one of them, as a shared
 * subscription would be. A session is never resumed: a connection that closes with messages in
 * flight ends the run, and the report shows them as unacknowledged.
 */
import { once } from 'node:events';
import type { AddressInfo, Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { ClientConnection } from './load/client-connection.js';
import { Measurement } from './load/measurement.js';
import { Schedule } from './load/schedule.js';
import type { Load, LoadReport } from './protocol.js';

export interface GeneratorHandlers {
  /** The first connection has subscribed: the warm-up begins. */
  readonly onLoading: () => void;
  readonly onMeasuring: () => void;
  readonly onFinished: (report: LoadReport) => void;
  readonly onFailed: (message: string) => void;
}

const WATCH_EVERY_MS = 100;

export class LoadGenerator {
  readonly #load: Load;
  readonly #handlers: GeneratorHandlers;
  readonly #server: Server;
  readonly #connections = new Set<ClientConnection>();
  readonly #measurement: Measurement;
  readonly #schedule: Schedule;
  readonly #timers: NodeJS.Timeout[] = [];
  #outOfOrder = 0;
  #unknownPacketIds = 0;
  #connectionsLost = 0;
  #pumpAgain = false;

  constructor(load: Load, handlers: GeneratorHandlers) {
    this.#load = load;
    this.#handlers = handlers;
    this.#measurement = new Measurement(load, handlers.onMeasuring);
    this.#schedule = new Schedule(load, this.#measurement);
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Listens on a free port of 127.0.0.1, which it gives. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  close(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    for (const connection of this.#connections) connection.close();
    this.#server.close();
  }

  #accept(socket: Socket): void {
    const connection = new ClientConnection(socket, {
      load: this.#load,
      schedule: this.#schedule,
      measurement: this.#measurement,
      onReady: () => this.#start(),
      onSettled: (nowMs) => this.#turn(nowMs),
      onFailed: (message) => this.#fail(message),
    });
    this.#connections.add(connection);
    socket.on('close', () => this.#lose(connection));
  }

  #start(): void {
    if (this.#timers.length === 0) {
      this.#handlers.onLoading();
      this.#timers.push(setInterval(() => this.#watch(), WATCH_EVERY_MS));
      // A timer of Node's fires once a millisecond at most: what fell due since then goes out at
      // once, and latency counts from when it was due.
      if (this.#load.ratePerSecond !== undefined) {
        this.#timers.push(setInterval(() => this.#turn(performance.now()), 1));
      }
    }
    this.#turn(performance.now());
  }

  /** Sends what may be sent, and ends the run when there is nothing left to wait for. */
  #turn(nowMs: number): void {
    if (this.#measurement.phase === 'finished') return;
    let again = false;
    for (const connection of this.#connections) again = connection.pump(nowMs) || again;
    if (this.#schedule.exhausted(nowMs) && this.#outstanding() === 0) this.#finish();
    else if (again) this.#turnSoon();
  }

  /** Goes on without a PUBACK that asks for more, after the sockets had their turn. */
  #turnSoon(): void {
    if (this.#pumpAgain) return;
    this.#pumpAgain = true;
    setImmediate(() => {
      this.#pumpAgain = false;
      this.#turn(performance.now());
    });
  }

  #watch(): void {
    const nowMs = performance.now();
    const idleMs = nowMs - this.#measurement.lastSettledAtMs;
    if (this.#outstanding() > 0 && idleMs > this.#load.stallSeconds * 1000) this.#finish();
    else this.#turn(nowMs);
  }

  #outstanding(): number {
    let outstanding = 0;
    for (const { inFlight, flushing } of this.#connections) outstanding += inFlight.size + flushing;
    return outstanding;
  }

  #lose(connection: ClientConnection): void {
    this.#connections.delete(connection);
    this.#outOfOrder += connection.inFlight.outOfOrder;
    this.#unknownPacketIds += connection.inFlight.unknown;
    if (this.#measurement.phase === 'finished') return;
    if (connection.inFlight.size === 0 && connection.flushing === 0) return;
    this.#connectionsLost += 1;
    this.#finish();
  }

  #finish(): void {
    if (this.#measurement.phase === 'finished') return;
    this.#measurement.finish();
    let { outOfOrder, unknownPacketIds } = this.#countsOfOpenConnections();
    outOfOrder += this.#outOfOrder;
    unknownPacketIds += this.#unknownPacketIds;
    const sent = this.#schedule.sent;
    const counts = { sent, outOfOrder, unknownPacketIds, connectionsLost: this.#connectionsLost };
    this.#handlers.onFinished(this.#measurement.report(counts));
  }

  #countsOfOpenConnections(): { outOfOrder: number; unknownPacketIds: number } {
    const counts = { outOfOrder: 0, unknownPacketIds: 0 };
    for (const { inFlight } of this.#connections) {
      counts.outOfOrder += inFlight.outOfOrder;
      counts.unknownPacketIds += inFlight.unknown;
    }
    return counts;
  }

  #fail(message: string): void {
    if (this.#measurement.phase === 'finished') return;
    this.#measurement.finish();
    this.#handlers.onFailed(message);
  }
}
