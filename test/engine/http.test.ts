import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { OperatingError, UsageError } from '../../src/base/errors.js';
import type { Health } from '../../src/engine/health.js';
import {
  type AdminServerOptions,
  parseAdminAddress,
  startAdminServer,
} from '../../src/engine/http.js';
import { ManualClock } from '../support/manual-clock.js';

const well: Health = { live: true, ready: true, reasons: [] };
const patient = { headersMs: 60_000, requestMs: 60_000, idleMs: 60_000, checkMs: 20 };

async function start(t: Test, options: Partial<AdminServerOptions> = {}) {
  const server = await startAdminServer({
    address: '127.0.0.1:0',
    clock: systemClock,
    metrics: { contentType: 'text/plain; version=0.0.4', text: async () => 'a_total 1\n' },
    health: () => well,
    ...options,
  });
  t.teardown(() => server.close());
  return server;
}

function dial(address: string): Socket {
  const { host, port } = parseAdminAddress(address);
  const socket = connect({ host, port });
  // A server that cuts the connection may do so with a reset.
  socket.on('error', () => {});
  return socket;
}

/** Unlike `once`, it takes a reset for an end too. */
function closeOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

t.test('/metrics answers with the text and the content type of Prometheus', async (t) => {
  const { address } = await start(t);
  const response = await fetch(`http://${address}/metrics`);
  t.equal(response.status, 200);
  t.equal(response.headers.get('content-type'), 'text/plain; version=0.0.4');
  t.equal(await response.text(), 'a_total 1\n');
});

t.test('/livez and /readyz follow the health, with 503 and the reasons when ill', async (t) => {
  let health = well;
  const { address } = await start(t, { health: () => health });
  const get = async (path: string) => {
    const response = await fetch(`http://${address}${path}`);
    return { status: response.status, body: await response.json() };
  };
  t.same(await get('/livez'), { status: 200, body: { live: true } });
  t.same(await get('/readyz'), { status: 200, body: { ready: true, reasons: [] } });
  const reasons = [{ connector: 'c', part: 'shard 0', message: 'no Kafka broker answers' }];
  health = { live: true, ready: false, reasons };
  t.same(await get('/livez'), { status: 200, body: { live: true } });
  t.same(await get('/readyz'), { status: 503, body: { ready: false, reasons } });
  health = { live: false, ready: false, reasons };
  t.same(await get('/livez'), { status: 503, body: { live: false } });
});

t.test('everything else is not found', async (t) => {
  const { address } = await start(t);
  for (const path of ['/', '/metrics/', '/metrics/x', '/../etc/passwd', '/%00']) {
    const response = await fetch(`http://${address}${path}`);
    t.equal(response.status, 404, path);
    await response.text();
  }
  const response = await fetch(`http://${address}/metrics`, { method: 'DELETE' });
  t.equal(response.status, 404);
});

t.test(
  'metrics that fail give 500 without the reason, and the next scrape tries again',
  async (t) => {
    let failing = true;
    const { address } = await start(t, {
      metrics: {
        contentType: 'text/plain',
        text: async () => {
          if (failing) throw new Error('secret detail');
          return 'fine';
        },
      },
    });
    const response = await fetch(`http://${address}/metrics`);
    t.equal(response.status, 500);
    t.notMatch(await response.text(), /secret/);
    failing = false;
    t.equal(await (await fetch(`http://${address}/metrics`)).text(), 'fine');
  },
);

t.test('scrapes close together share one text, later ones get a new one', async (t) => {
  const clock = new ManualClock();
  let made = 0;
  const metrics = { contentType: 'text/plain', text: async () => `${++made}` };
  const { address } = await start(t, { clock, metrics });
  const scrape = async () => (await fetch(`http://${address}/metrics`)).text();
  t.same(await Promise.all([scrape(), scrape(), scrape()]), ['1', '1', '1']);
  clock.advance(249);
  t.equal(await scrape(), '1');
  clock.advance(1);
  t.equal(await scrape(), '2');
});

t.test('a request with a body is refused and its connection closed', async (t) => {
  const { address } = await start(t);
  const socket = dial(address);
  socket.write(
    'GET /metrics HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n',
  );
  t.match(await text(socket), /^HTTP\/1\.1 413 /);
});

t.test('headers over 8 KiB are refused', async (t) => {
  const { address } = await start(t);
  const socket = dial(address);
  socket.write(`GET /metrics HTTP/1.1\r\nhost: x\r\nx: ${'y'.repeat(10_000)}\r\n\r\n`);
  t.match(await text(socket), /^HTTP\/1\.1 431 /);
});

t.test('a client that sends nothing, or its headers too slowly, is cut off', async (t) => {
  const { address } = await start(t, { timeouts: { ...patient, headersMs: 50 } });
  const silent = dial(address);
  const slow = dial(address);
  slow.write('GET /metrics HTTP/1.1\r\nhost:');
  await Promise.all([closeOf(silent.resume()), closeOf(slow.resume())]);
  t.pass('the server closed both connections');
});

t.test('a client that does not read its answer is cut off', async (t) => {
  const { address } = await start(t, {
    timeouts: { ...patient, idleMs: 300 },
    metrics: { contentType: 'text/plain', text: async () => 'x'.repeat(64 * 1024 * 1024) },
  });
  const socket = dial(address);
  socket.pause();
  socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n');
  await once(socket, 'connect');
  // Only the server can end this connection; a paused socket learns it from a failing write.
  const closed = closeOf(socket);
  const knock = setInterval(() => socket.write('\r\n'), 600);
  t.teardown(() => clearInterval(knock));
  await closed;
  t.pass('the server closed the connection');
});

t.test('a client that sends requests without waiting for answers is cut off', async (t) => {
  let made = 0;
  const metrics = { contentType: 'text/plain', text: async () => `made ${++made}` };
  const { address } = await start(t, { metrics, clock: new ManualClock() });
  const socket = dial(address);
  socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(100));
  // A reset may take an answer with it that was on its way.
  const answers = await text(socket).catch(() => '');
  t.ok(answers.split('HTTP/1.1 200').length <= 2, 'at most one answer');
  t.equal((await fetch(`http://${address}/metrics`)).status, 200);
});

t.test('one connection carries many requests, one after the other', async (t) => {
  const { address } = await start(t);
  const socket = dial(address);
  for (let n = 0; n < 200; n += 1) {
    socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
    const [answer] = await once(socket, 'data');
    if (!/^HTTP\/1\.1 200 .*true/s.test(String(answer))) t.fail(String(answer));
  }
  socket.end('GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  t.match(await text(socket), /^HTTP\/1\.1 200 /);
});

t.test('of more than 64 connections the least recently used one is cut', async (t) => {
  const { address } = await start(t, { timeouts: patient });
  const held: { socket: Socket; closed: Promise<void> }[] = [];
  const hold = async () => {
    const socket = dial(address);
    await once(socket, 'connect');
    held.push({ socket, closed: closeOf(socket.resume()) });
    return socket;
  };
  t.teardown(() => {
    for (const { socket } of held) socket.destroy();
  });
  const first = await hold();
  for (let n = 0; n < 63; n += 1) {
    const socket = await hold();
    socket.write('GET /metrics HTTP/1.1\r\nhost:');
  }
  first.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
  t.match(String((await once(first, 'data'))[0]), /^HTTP\/1\.1 200 /);
  const beyond = await hold();
  await held[1]?.closed;
  for (const socket of [first, beyond]) {
    socket.write('GET /livez HTTP/1.1\r\nhost: x\r\n\r\n');
    t.match(String((await once(socket, 'data'))[0]), /^HTTP\/1\.1 200 /);
  }
});

t.test('/livez answers while thousands of connections hold half a request', async (t) => {
  const { address } = await start(t, { timeouts: patient });
  const held: Socket[] = [];
  t.teardown(() => {
    for (const socket of held) socket.destroy();
  });
  for (let n = 0; n < 1000; n += 1) {
    const socket = dial(address);
    held.push(socket);
    await once(socket, 'connect');
    socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\nx: ');
  }
  t.equal((await fetch(`http://${address}/livez`)).status, 200);
});

t.test('a port that is taken gives an error that names --admin-address', async (t) => {
  const other = createServer();
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  t.teardown(() => other.close());
  const bound = other.address();
  if (bound === null || typeof bound === 'string') throw new Error('no address');
  const address = `127.0.0.1:${bound.port}`;
  const error = await start(t, { address }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  t.type(error, OperatingError);
  t.match(error, {
    code: 'ERR_ADMIN_ADDRESS',
    message: `--admin-address ${address}: another process has this port`,
  });
});

t.test('addresses are HOST:PORT, with IPv6 in brackets', async (t) => {
  t.same(parseAdminAddress('127.0.0.1:9464'), { host: '127.0.0.1', port: 9464 });
  t.same(parseAdminAddress('localhost:0'), { host: 'localhost', port: 0 });
  t.same(parseAdminAddress('[::1]:9464'), { host: '::1', port: 9464 });
  const wrong = ['', '9464', '127.0.0.1', '::1:9464', '127.0.0.1:65536', 'a b:1', '[::1]', 'h:-1'];
  for (const address of wrong) {
    t.throws(() => parseAdminAddress(address), UsageError, address);
  }
});

t.test('the address of an IPv6 server can be parsed again', async (t) => {
  const { address } = await start(t, { address: '[::1]:0' });
  t.equal(parseAdminAddress(address).host, '::1');
  t.equal((await fetch(`http://${address}/livez`)).status, 200);
});

t.test('closing ends open connections and can be repeated', async (t) => {
  const server = await start(t);
  const socket = dial(server.address);
  await once(socket, 'connect');
  await Promise.all([closeOf(socket.resume()), server.close()]);
  await server.close();
  await t.rejects(fetch(`http://${server.address}/livez`));
});
