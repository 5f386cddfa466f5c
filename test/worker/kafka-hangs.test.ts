import { createServer, type Socket } from 'node:net';
import t from 'tap';
import type { KafkaState } from '../../src/channel/protocol.js';
import { MockWorker } from '../support/mock-worker.js';
import { listen } from '../support/peer.js';
import { until } from '../support/until.js';

/* Servers at Kafka's address that say nothing, or too little: noticed within 10 s, with the reason. */

const NOTICED = { deadlineMs: 25_000 };

async function downAt(t: Tap, address: string): Promise<KafkaState> {
  const worker = new MockWorker(address);
  t.teardown(() => worker.close());
  worker.open('out');
  const told = () => {
    return worker.posted.filter((message) => message.kind === 'kafka' && !message.up);
  };
  await until('it is told why', () => told().some(isExplained), {
    ...NOTICED,
    detail: () => worker.posted,
  });
  return told().find(isExplained) as KafkaState;
}
type Tap = { teardown(callback: () => void): void };

function isExplained(message: { readonly kind: string; readonly reason?: string }): boolean {
  return message.kind === 'kafka' && message.reason !== 'network';
}

t.test('one that accepts and never answers', async (t) => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => sockets.push(socket));
  const port = await listen(t, server);
  const state = await downAt(t, `127.0.0.1:${port}`);
  t.match(state, { reason: 'timeout', detail: `127.0.0.1:${port} does not answer` });
  t.ok(sockets.length > 0, 'it was connected to');
});

t.test('one that answers a byte a second', async (t) => {
  const server = createServer((socket) => {
    // The length of a response, and then nothing like as much.
    socket.write(Buffer.of(0, 0, 1, 0));
    const timer = setInterval(() => socket.write(Buffer.of(0)), 1000);
    socket.on('close', () => clearInterval(timer));
  });
  const port = await listen(t, server);
  const state = await downAt(t, `127.0.0.1:${port}`);
  t.match(state, { reason: 'timeout', detail: `127.0.0.1:${port} does not answer` });
});
