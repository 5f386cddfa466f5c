import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import t from 'tap';
import { type Proxy as Line, startProxy } from '../support/real/proxy.js';
import { reset } from '../support/real/proxy-line.js';
import { until } from '../support/until.js';

/* The line between the parties of a run, at everything that it can do to them. */

interface Ends {
  readonly line: Line;
  readonly client: Socket;
  readonly server: Socket;
  /** What has come at the server's end, and what at the client's. */
  readonly atServer: () => string;
  readonly atClient: () => string;
}

interface Teardown {
  teardown(callback: () => Promise<void>): void;
}

/** A client and a server with a proxy between them. */
async function startLine(t: Teardown): Promise<Ends> {
  const listener = createServer();
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const line = await startProxy(() => ({ host: '127.0.0.1', port }));
  const client = connect(line.port, line.host);
  const [server] = (await once(listener, 'connection')) as [Socket];
  t.teardown(async () => {
    for (const socket of [client, server]) socket.destroy();
    listener.close();
    await line.close();
  });
  return { line, client, server, atServer: textOf(server), atClient: textOf(client) };
}

/** However it ends: `once` would take a reset for a failure. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

function textOf(socket: Socket): () => string {
  let text = '';
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk;
  });
  return () => text;
}

t.test('what is said passes both ways', async (t) => {
  const { line, client, server, atServer, atClient } = await startLine(t);
  client.write('a question');
  await until('it is there', () => atServer() === 'a question');
  t.equal(line.connections, 1);
  server.write('an answer');
  await until('it is there', () => atClient() === 'an answer');
});

t.test('on a stalled line nothing passes and nothing ends, until it flows', async (t) => {
  const { line, client, server, atServer, atClient } = await startLine(t);
  line.stall();
  client.write('one ');
  client.write('two');
  server.write('three');
  // Another line through the same process would have brought them long since.
  const other = await startLine(t);
  other.client.write('x'.repeat(1_000_000));
  await until('the other has all', () => other.atServer().length === 1_000_000);
  t.equal(atServer() + atClient(), '');
  t.notOk(client.destroyed || server.destroyed);
  line.flow();
  await until('all is there', () => atServer() === 'one two' && atClient() === 'three');
});

t.test('on a slow line it takes its time, in order', async (t) => {
  const { line, client, atServer } = await startLine(t);
  line.slow(1000);
  const text = Array.from({ length: 50 }, (_, i) => `${i} `).join('');
  const startMs = performance.now();
  client.write(text);
  await until('the first of it is there', () => atServer().length > 0);
  t.ok(atServer().length < text.length);
  await until('all of it is there', () => atServer().length === text.length);
  t.equal(atServer(), text);
  t.ok(performance.now() - startMs > 90);
  line.slow(1);
  client.write('the rest');
  line.flow();
  await until('the rest comes at once', () => atServer() === `${text}the rest`);
});

t.test('a torn line ends in the middle, and the receiver has the part', async (t) => {
  const { line, client, server, atServer } = await startLine(t);
  const ended = Promise.all([closed(client), once(server, 'end')]);
  line.tear(7);
  client.write('0123456789');
  await ended;
  t.equal(atServer(), '0123456');
});

t.test('a socket that is being shut down is closed too, and the process ends', async (t) => {
  const { client, server } = await startLine(t);
  // libuv does it when its loop comes by next.
  server.end();
  reset(server);
  client.resume();
  await closed(client);
  t.ok(client.destroyed);
});

t.test('a line that is away refuses; when it is back, connections are made again', async (t) => {
  const { line, client } = await startLine(t);
  const cut = closed(client);
  line.away();
  await cut;
  const refused = connect(line.port, line.host);
  refused.on('error', () => {});
  await closed(refused);
  line.back();
  const again = connect(line.port, line.host);
  await once(again, 'connect');
  again.destroy();
});
