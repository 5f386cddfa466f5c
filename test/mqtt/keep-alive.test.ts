import t from 'tap';
import { KeepAlive, pingSeconds } from '../../src/mqtt/keep-alive.js';
import { ManualClock } from '../support/manual-clock.js';

function createKeepAlive(seconds = 60) {
  const clock = new ManualClock();
  const state = { pings: 0, silent: [] as string[] };
  const keepAlive = new KeepAlive(
    clock,
    () => {
      state.pings++;
      keepAlive.onSent();
    },
    (reason) => state.silent.push(reason),
  );
  keepAlive.start(seconds);
  return { clock, state, keepAlive };
}

t.test('an idle connection sends PINGREQ well before the server would miss it', async (t) => {
  const { clock, state, keepAlive } = createKeepAlive();
  clock.advance(29_999);
  t.equal(state.pings, 0);
  clock.advance(1);
  t.equal(state.pings, 1);
  for (let i = 0; i < 10; i++) {
    keepAlive.onReceived();
    clock.advance(60_000);
  }
  t.equal(state.silent.length, 0);
  t.ok(state.pings >= 11);
});

t.test('a connection that writes and hears anyway needs no PINGREQ', async (t) => {
  const { clock, state, keepAlive } = createKeepAlive();
  for (let i = 0; i < 20; i++) {
    clock.advance(10_000);
    keepAlive.onSent();
    keepAlive.onReceived();
  }
  t.equal(state.pings, 0);
});

t.test(
  'one that writes and hears nothing asks, and ends: the other side may be gone',
  async (t) => {
    const { clock, state, keepAlive } = createKeepAlive();
    for (let i = 0; i < 20; i++) {
      clock.advance(10_000);
      keepAlive.onSent();
    }
    t.equal(state.pings, 1);
    t.match(state.silent, [/nothing heard for 60 s/]);
  },
);

t.test('a packet that drips ends the connection; one that is slow does not', async (t) => {
  for (const [bytesPerSecond, ends] of [
    [1, 1],
    [31, 1],
    [36, 0],
    [10_000, 0],
  ] as const) {
    const { clock, state, keepAlive } = createKeepAlive();
    for (let second = 0; second < 3_600; second++) {
      clock.advance(1_000);
      keepAlive.onHeard(bytesPerSecond);
    }
    t.equal(state.silent.length, ends, `${bytesPerSecond} bytes a second`);
    // The server waits for one and a half intervals.
    if (ends === 0) t.ok(state.pings >= 3_600 / 60, `${state.pings} PINGREQs`);
    if (ends > 0) t.match(state.silent[0], /^\d+ bytes of a packet heard for 60 s/);
  }
});

t.test('we look as often as we mean to, also where the server asks for less', async (t) => {
  t.equal(pingSeconds(30, undefined), 30);
  t.equal(pingSeconds(30, 0), 30, 'it wants none, and may be gone all the same');
  t.equal(pingSeconds(30, 65_535), 30);
  t.equal(pingSeconds(30, 10), 10, '[MQTT-3.1.2-21]');
  t.equal(pingSeconds(0, 10), 10);
  t.equal(pingSeconds(0, undefined), 0);
});

t.test('a PINGREQ that nothing answers ends the connection within an interval', async (t) => {
  const { clock, state } = createKeepAlive();
  clock.advance(30_000);
  t.equal(state.pings, 1);
  clock.advance(60_000);
  t.match(state.silent, [/nothing heard for 60 s/]);
  clock.advance(600_000);
  t.equal(state.silent.length, 1, 'said once');
});

t.test('anything that is heard answers a PINGREQ', async (t) => {
  const { clock, state, keepAlive } = createKeepAlive();
  for (let i = 0; i < 20; i++) {
    clock.advance(30_000);
    keepAlive.onReceived();
  }
  t.equal(state.silent.length, 0);
});

t.test('while reading is paused PINGREQs go on, and silence proves nothing', async (t) => {
  const { clock, state, keepAlive } = createKeepAlive();
  clock.advance(30_000);
  keepAlive.onPaused();
  const before = state.pings;
  clock.advance(600_000);
  t.strictSame(state.silent, []);
  t.ok(state.pings - before >= 10, 'the server hears of us at least once in an interval');
  keepAlive.onReading();
  clock.advance(30_000);
  t.strictSame(state.silent, [], 'the answers may still lie in the socket');
  clock.advance(90_000);
  t.equal(state.silent.length, 1, 'but not for ever');
});

t.test('short pauses, as for the disk, do not hide a packet that drips', async (t) => {
  const { clock, state, keepAlive } = createKeepAlive();
  for (let second = 0; second < 600; second++) {
    clock.advance(1_000);
    keepAlive.onHeard(1);
    keepAlive.onPaused();
    keepAlive.onReading();
  }
  t.equal(state.silent.length, 1);
});

t.test('0 turns it off, and so does stopping', async (t) => {
  const off = createKeepAlive(0);
  off.clock.advance(1_000_000);
  t.equal(off.state.pings, 0);
  const stopped = createKeepAlive();
  stopped.keepAlive.stop();
  stopped.clock.advance(1_000_000);
  t.equal(stopped.state.pings, 0);
  t.strictSame(stopped.state.silent, []);
});
