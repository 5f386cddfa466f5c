import t from 'tap';
import { systemClock } from '../../../src/base/clock.js';
import { UNSENT_BYTES_MAX } from '../../../src/config/limits.js';
import { dialTcp } from '../../../src/mqtt/dial/tcp.js';
import type { SessionOptions } from '../../../src/mqtt/session-options.js';
import { ListeningBroker } from '../../support/listening-broker.js';
import { outgoing } from '../../support/outgoing.js';
import { ScriptedSession } from '../../support/scripted-session.js';
import { until } from '../../support/until.js';

/* What a session sends, over real sockets: what the scripted ones of outbound.test.ts stand for. */

const MIB = 1024 * 1024;

async function connect(
  test: { teardown(callback: () => void): void },
  broker: ListeningBroker,
  options: Partial<SessionOptions> = {},
): Promise<ScriptedSession> {
  const scripted = new ScriptedSession({
    host: '127.0.0.1',
    port: broker.port,
    clock: systemClock,
    dial: dialTcp,
    random: () => 0,
    subscriptions: [],
    ...options,
  });
  test.teardown(() => scripted.session.stop('the test is over'));
  scripted.session.start();
  await until('the session is active', () => scripted.session.state.kind === 'active');
  return scripted;
}

/** Memory that threads share; what a payload is can be told from its first byte. */
function sharedPayload(bytes: number, seed: number): Uint8Array {
  const payload = new Uint8Array(new SharedArrayBuffer(bytes + seed)).subarray(seed);
  for (let i = 0; i < bytes; i++) payload[i] = (seed + i * 7) & 0xff;
  return payload;
}

function isIntact(payload: Uint8Array, bytes: number): boolean {
  const seed = payload[0] as number;
  return payload.length === bytes && payload.every((byte, i) => byte === ((seed + i * 7) & 0xff));
}

t.test('payloads of 2 MiB in shared memory arrive among small ones, in order', async (t) => {
  const broker = await ListeningBroker.listen(t);
  const scripted = await connect(t, broker);
  const { outbound } = scripted.session;
  const pubacks: number[] = [];
  const sizes = [10, 2 * MIB, 200, 20_000, 2 * MIB, 16_384, 2 * MIB, 1];
  let next = 0;
  const send = () => {
    for (; next < sizes.length && outbound.credit > 0; next++) {
      const payload = sharedPayload(sizes[next] as number, next);
      outbound.publish(outgoing({ topic: `topic/${next}`, payload }), next);
    }
    outbound.flush();
  };
  scripted.outgoing = {
    onPuback: (delivery) => pubacks.push(delivery),
    onWritable: send,
    onResend: () => false,
  };
  send();
  await until('all are acknowledged', () => pubacks.length === sizes.length);
  t.strictSame(
    pubacks,
    sizes.map((_, i) => i),
  );
  for (const [i, { topic, payload }] of broker.publishes.entries()) {
    t.equal(topic, `topic/${i}`);
    t.ok(isIntact(payload as Buffer, sizes[i] as number), `${sizes[i]} bytes are intact`);
  }
  t.notOk(outbound.borrowing);
});

t.test('a broker that does not read stops the sender within bounds', async (t) => {
  const broker = await ListeningBroker.listen(t);
  const scripted = await connect(t, broker);
  const { outbound } = scripted.session;
  let writable = 0;
  scripted.outgoing = { ...scripted.outgoing, onWritable: () => writable++ };
  broker.socket.pause();
  const publish = outgoing({ qos: 0, payload: sharedPayload(10_000, 3) });
  let sent = 0;
  // The kernel's buffers have to be full first, whatever they hold.
  await until('the socket is full', () => {
    for (let i = 0; i < 50 && outbound.writable; i++, sent++) outbound.publish(publish, 0);
    outbound.flush();
    return !outbound.writable;
  });
  t.equal(writable, 0);
  t.ok(sent * 10_000 > UNSENT_BYTES_MAX);
  broker.socket.resume();
  await until('there is room again', () => writable > 0);
  t.ok(outbound.writable);
  await until('all have arrived', () => broker.publishes.length === sent);
  t.ok(broker.publishes.every(({ payload }) => isIntact(payload as Buffer, 10_000)));
});

t.test('a write may take longer than the write time-out while it makes progress', async (t) => {
  const broker = await ListeningBroker.listen(t);
  const scripted = await connect(t, broker, { writeTimeoutMs: 500 });
  let acknowledged = false;
  scripted.outgoing = { ...scripted.outgoing, onPuback: () => (acknowledged = true) };
  const bytes = 32 * MIB;
  broker.socket.pause();
  const startMs = performance.now();
  scripted.session.outbound.publish(outgoing({ payload: sharedPayload(bytes, 5) }), 0);
  scripted.session.flush();
  const pace = setInterval(() => {
    broker.socket.resume();
    broker.socket.once('data', () => broker.socket.pause());
  }, 3);
  await until('it is acknowledged, or the connection is lost', () => {
    return acknowledged || scripted.session.state.kind === 'waiting';
  });
  clearInterval(pace);
  broker.socket.resume();
  t.ok(acknowledged);
  t.ok(performance.now() - startMs > 1_000, 'it took longer than the time-out');
});

t.test('a broker that takes nothing is given up after the write time-out', async (t) => {
  const broker = await ListeningBroker.listen(t);
  const scripted = await connect(t, broker, { writeTimeoutMs: 200 });
  broker.socket.pause();
  scripted.session.outbound.publish(outgoing({ payload: sharedPayload(32 * MIB, 5) }), 0);
  scripted.session.flush();
  await until('it is given up', () => scripted.session.state.kind !== 'active');
  t.match(scripted.states.at(-1), { kind: 'waiting', reason: /took nothing for 200 ms/ });
});

t.test('a connection that breaks within a large payload loses nothing', async (t) => {
  const broker = await ListeningBroker.listen(t);
  const scripted = await connect(t, broker);
  const payloads = [0, 1, 2].map((seed) => sharedPayload(2 * MIB, seed));
  const pubacks: number[] = [];
  scripted.outgoing = {
    onPuback: (delivery) => pubacks.push(delivery),
    onWritable: () => {},
    onResend: (delivery, publish) => {
      outgoing({ topic: 'topic', payload: payloads[delivery] as Uint8Array }, publish);
      return true;
    },
  };
  broker.connack = { sessionPresent: true };
  broker.socket.on('data', () => {
    if (broker.bytesRead > 3 * MIB) broker.socket.destroy();
  });
  for (const [delivery, payload] of payloads.entries()) {
    scripted.session.outbound.publish(outgoing({ topic: 'topic', payload }), delivery);
  }
  scripted.session.flush();
  await until('all are acknowledged', () => pubacks.length === 3);
  t.equal(broker.connections, 2);
  t.strictSame([...new Set(pubacks)].sort(), [0, 1, 2]);
  const last = broker.publishes.slice(-2);
  t.match(last, [{ dup: true }, { dup: true }]);
  t.ok(broker.publishes.every(({ payload }) => isIntact(payload as Buffer, 2 * MIB)));
});
