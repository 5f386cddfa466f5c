import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Address } from './mosquitto-clients.js';
import { Line, type Pace } from './proxy-line.js';

/** Bytes between a port of ours and a server, until somebody cuts them off. */
export interface Proxy extends Address {
  /** How many connections were ever made through it. */
  readonly connections: number;
  /** On how many of them the server has said anything. */
  readonly answered: number;
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
  const { latencyMs = 0 } = options;
  const sockets = new Set<Socket>();
  const lines = new Set<Line>();
  let connections = 0;
  let answered = 0;
  let isAway = false;
  let pace: Pace = 'open';
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  };
  const pass = (from: Socket, to: Socket): void => {
    const line = new Line(from, to, pace);
    lines.add(line);
    from.once('close', () => {
      lines.delete(line);
      line.destroy();
    });
    (latencyMs === 0 ? from : from.pipe(delayed(latencyMs))).pipe(line).pipe(to);
  };
  const setPace = (next: Pace): void => {
    pace = next;
    for (const line of lines) line.pace = next;
  };
  const server = createServer((client) => {
    connections++;
    if (isAway) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const { port, host } = typeof target === 'function' ? target() : target;
    const upstream = connect(port, host);
    keep(client);
    keep(upstream);
    upstream.once('data', () => answered++);
    pass(client, upstream);
    pass(upstream, client);
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const drop = (): void => {
    for (const socket of sockets) socket.resetAndDestroy();
  };
  return {
    host: '127.0.0.1',
    port,
    get connections() {
      return connections;
    },
    get answered() {
      return answered;
    },
    stall: () => setPace('stalled'),
    slow: (bytesPerSecond) => setPace({ bytesPerSecond }),
    flow: () => setPace('open'),
    tear(bytes) {
      for (const line of lines) line.tear(bytes);
    },
    drop,
    away() {
      isAway = true;
      drop();
    },
    back() {
      isAway = false;
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      drop();
      await closed;
    },
  };
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
