import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import type { Address } from './mosquitto-clients.js';

/** Bytes between a port of ours and a server, until somebody cuts them off. */
export interface Proxy extends Address {
  /** How many connections were ever made through it. */
  readonly connections: number;
  /** Resets every connection, as a network that fails does. */
  drop(): void;
  /** As `drop`, and every connection that is made from now on, until `back`. */
  away(): void;
  back(): void;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** How long bytes are under way, in each direction. What is under way when it ends is lost. */
  readonly latencyMs?: number;
}

/** What one direction holds at most while it is under way. */
const DELAYED_BYTES_MAX = 64 * 1024 * 1024;

/** Listens on a free port of 127.0.0.1 and passes everything on to `target`. */
export async function startProxy(target: Address, options: ProxyOptions = {}): Promise<Proxy> {
  const { latencyMs = 0 } = options;
  const sockets = new Set<Socket>();
  let connections = 0;
  let isAway = false;
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    connections++;
    if (isAway) {
      client.on('error', () => {});
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(target.port, target.host);
    keep(client);
    keep(upstream);
    pass(client, upstream, latencyMs);
    pass(upstream, client, latencyMs);
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

function pass(from: Socket, to: Socket, latencyMs: number): void {
  if (latencyMs === 0) from.pipe(to);
  else from.pipe(delayed(latencyMs)).pipe(to);
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
