/* The admin server: /metrics, /livez and /readyz, nothing else.
 *
 * It shares the main thread with the data path, so a client of it must never matter there:
 * 1. At most `connectionsMax` connections, one request at a time on each (admin-connections.ts); headers
 *    within 8 KiB and 5 s, a request within 10 s, and a connection on which nothing moves for 10 s is
 *    cut, also in the middle of an answer.
 * 2. Scrapes that come together or within `textMaxAgeMs` of one another share one text.
 * 3. A request with a body is refused, and the connection closed.
 */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { Clock } from '../base/clock.js';
import { OperatingError, UsageError } from '../base/errors.js';
import { AdminConnections } from './admin-connections.js';
import type { Health } from './health.js';

const connectionsMax = 64;
const headerBytesMax = 8 * 1024;
const textMaxAgeMs = 250;

export interface AdminServerOptions {
  /** HOST:PORT, an IPv6 host in brackets; port 0 takes any free one. */
  readonly address: string;
  readonly clock: Clock;
  readonly metrics: { readonly contentType: string; text(): Promise<string> };
  readonly health: () => Health;
  /** For tests of the time-outs. */
  readonly timeouts?: AdminTimeouts;
}

export interface AdminTimeouts {
  readonly headersMs: number;
  readonly requestMs: number;
  readonly idleMs: number;
  /** How often the two above are looked at. */
  readonly checkMs: number;
}

const defaultTimeouts: AdminTimeouts = {
  headersMs: 5_000,
  requestMs: 10_000,
  idleMs: 10_000,
  checkMs: 5_000,
};

export interface AdminServer {
  /** HOST:PORT with the true port. */
  readonly address: string;
  close(): Promise<void>;
}

/**
 * Listens; rejects with `ERR_ADMIN_ADDRESS` where it cannot, and with a UsageError where the address
 * is none. Port 0 takes a free one, which the server's address tells.
 */
export async function startAdminServer(options: AdminServerOptions): Promise<AdminServer> {
  const { host, port } = parseAdminAddress(options.address);
  const { headersMs, requestMs, idleMs, checkMs } = options.timeouts ?? defaultTimeouts;
  const listener = getRequestListener(adminRoutes(options).fetch, { overrideGlobalObjects: false });
  const connections = new AdminConnections(connectionsMax);
  const server = createServer(
    {
      maxHeaderSize: headerBytesMax,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: idleMs,
      connectionsCheckingInterval: checkMs,
    },
    (request, response) => {
      if (!connections.mayAnswer(request, response)) return;
      if (hasBody(request.headers)) {
        response.writeHead(413, { connection: 'close' }).end();
        return;
      }
      void listener(request, response);
    },
  );
  server.on('connection', (socket) => connections.opened(socket));
  server.setTimeout(idleMs, (socket) => socket.destroy());
  await listen(server, host, port, options.address);
  const bound = server.address() as AddressInfo;
  const shownHost = bound.address.includes(':') ? `[${bound.address}]` : bound.address;
  return { address: `${shownHost}:${bound.port}`, close: () => closeServer(server) };
}

/** `127.0.0.1:9464`, `localhost:0`, `[::1]:9464`. */
export function parseAdminAddress(address: string): { host: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^[\]:\s]+)):(\d{1,5})$/.exec(address);
  const host = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (host === undefined || !(port <= 65_535)) {
    throw new UsageError(
      `--admin-address ${JSON.stringify(address)}: expected HOST:PORT, such as 127.0.0.1:9464 or [::1]:9464`,
    );
  }
  return { host, port };
}

function adminRoutes({ metrics, health, clock }: AdminServerOptions): Hono {
  const scrape = sharedText(() => metrics.text(), clock);
  const app = new Hono();
  app.get('/metrics', async (context) =>
    context.body(await scrape(), 200, {
      'content-type': metrics.contentType,
      'cache-control': 'no-store',
    }),
  );
  app.get('/livez', (context) => {
    const { live } = health();
    return context.json({ live }, live ? 200 : 503);
  });
  app.get('/readyz', (context) => {
    const { ready, reasons } = health();
    return context.json({ ready, reasons }, ready ? 200 : 503);
  });
  app.notFound((context) =>
    context.text('not found; there are /metrics, /livez and /readyz\n', 404),
  );
  app.onError((_error, context) => context.text('internal error\n', 500));
  return app;
}

/** One text for all who ask within `textMaxAgeMs` of its start; a failure is shared by nobody. */
function sharedText(make: () => Promise<string>, clock: Clock): () => Promise<string> {
  let text: Promise<string> | undefined;
  let madeMs = 0;
  return () => {
    if (text !== undefined && clock.monotonicMs() - madeMs < textMaxAgeMs) return text;
    madeMs = clock.monotonicMs();
    const made = make();
    text = made;
    made.catch(() => {
      if (text === made) text = undefined;
    });
    return made;
  };
}

function hasBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function listen(server: Server, host: string, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // It stays for good: an accept that fails later (no file descriptors left) is no reason to die.
    server.on('error', (error: NodeJS.ErrnoException) => {
      const why =
        {
          EADDRINUSE: 'another process has this port',
          EACCES: 'this user may not take this port',
          EADDRNOTAVAIL: 'this host has no such address',
          ENOTFOUND: 'this host name has no address',
        }[error.code ?? ''] ?? error.message;
      reject(
        new OperatingError('ERR_ADMIN_ADDRESS', `--admin-address ${address}: ${why}`, {
          cause: error,
        }),
      );
    });
    server.listen({ host, port }, resolve);
  });
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    server.close(() => resolve());
    // Whoever scrapes at the end of a drain can ask again elsewhere.
    server.closeAllConnections();
  });
}
