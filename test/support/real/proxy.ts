import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Address } from './mosquitto-clients.js';
import { Line, type Pace, reset } from './proxy-line.js';

/** Bytes between a port of ours and a server, until somebody cuts them off. */
export interface Proxy extends Address {
  /** How many connections were ever made through it. */
  readonly connections: number;
  /** Resets every connection, as a network that fails does. */
  drop(): void;
  /** As `drop`, and every connection that is made from now on, until `back`. */
  away(): void;
  back(): void;
  /** Nothing passes any more and nothing ends; new connections are made and stand still too. */
  stall(): void;
  /** So many bytes a second pass, in each direction of each connection. */
  slow(bytesPerSecond: number): void;
  /** The end of `stall` and `slow`: what has waited passes. */
  flow(): void;
  /** Ends each connection that there is behind so many more bytes of one direction, in the middle of a packet. */
  tear(bytes: number): void;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** How long bytes are under way, in each direction. What is under way when it ends is lost. */
  readonly latencyMs?: number;
  /** Who sees the bytes of a connection; asked for at each. */
  readonly observe?: () => Observer;
}

/** Sees what passes on one connection. */
export interface Observer {
  /** The server has sent this. */
  fromServer(chunk: Buffer): void;
  /** This is handed to the server now. */
  toServer(chunk: Buffer): void;
  closed(): void;
}

/** What one direction holds at most while it is under way. */
const DELAYED_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Listens on a free port of 127.0.0.1 and passes everything on to `target`, which is asked for at each
 * connection where it is a function: its server may start later.
 */
export async function startProxy(
  target: Address | (() => Address),
  options: ProxyOptions = {},
): Promise<Proxy> {
  const targetOf = typeof target === 'function' ? target : () => target;
  const proxy = new TcpProxy(targetOf, options);
  await proxy.listen();
  return proxy;
}

class TcpProxy implements Proxy {
  readonly host = '127.0.0.1';
  readonly #target: () => Address;
  readonly #options: ProxyOptions;
  readonly #server = createServer((client) => this.#accept(client));
  readonly #sockets = new Set<Socket>();
  readonly #lines = new Set<Line>();
  #connections = 0;
  #isAway = false;
  #pace: Pace = 'open';

  constructor(target: () => Address, options: ProxyOptions) {
    this.#target = target;
    this.#options = options;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#connections;
  }

  async listen(): Promise<void> {
    this.#server.listen(0, this.host);
    await once(this.#server, 'listening');
  }

  drop(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  away(): void {
    this.#isAway = true;
    this.drop();
  }

  back(): void {
    this.#isAway = false;
  }

  stall(): void {
    this.#setPace('stalled');
  }

  slow(bytesPerSecond: number): void {
    this.#setPace({ bytesPerSecond });
  }

  flow(): void {
    this.#setPace('open');
  }

  tear(bytes: number): void {
    for (const line of this.#lines) line.tear(bytes);
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.drop();
    await closed;
  }

  #accept(client: Socket): void {
    this.#connections++;
    if (this.#isAway) {
      client.on('error', () => {});
      reset(client);
      return;
    }
    const { port, host } = this.#target();
    const upstream = connect(port, host);
    this.#keep(client);
    this.#keep(upstream);
    const toServer = this.#pass(client, upstream);
    this.#pass(upstream, client);
    const observer = this.#options.observe?.();
    if (observer !== undefined) {
      upstream.on('data', (chunk: Buffer) => observer.fromServer(chunk));
      toServer.on('data', (chunk: Buffer) => observer.toServer(chunk));
      upstream.once('close', () => observer.closed());
    }
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#sockets.delete(socket));
  }

  #pass(from: Socket, to: Socket): Line {
    const { latencyMs = 0 } = this.#options;
    const line = new Line(from, to, this.#pace);
    this.#lines.add(line);
    from.once('close', () => {
      this.#lines.delete(line);
      line.destroy();
    });
    (latencyMs === 0 ? from : from.pipe(delayed(latencyMs))).pipe(line).pipe(to);
    return line;
  }

  #setPace(pace: Pace): void {
    this.#pace = pace;
    for (const line of this.#lines) line.pace = pace;
  }
}

/** Passes everything on that much later, in order. */
function delayed(latencyMs: number): Transform {
  let delayedBytes = 0;
  let resume: (() => void) | undefined;
  const line = new Transform({
    transform(chunk: Buffer, _encoding, callback) {
      delayedBytes += chunk.length;
      setTimeout(() => {
        delayedBytes -= chunk.length;
        if (line.destroyed) return;
        line.push(chunk);
        resume?.();
        resume = undefined;
      }, latencyMs);
      if (delayedBytes < DELAYED_BYTES_MAX) callback();
      else resume = callback;
    },
    flush(callback) {
      setTimeout(callback, latencyMs);
    },
  });
  return line;
}
