import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { DISCARD } from '../../src/mqtt/receive/oversize.js';
import { encodePublish, parts } from '../support/publish-packets.js';
import { openConnection } from '../support/scripted-connection.js';

/* A packet that comes bit by bit, with a Keep Alive of ten seconds. */

const KEEP_ALIVE_SECONDS = 10;

/** Sends a packet of so many bytes of payload by `bytes` a second, for as long as the connection lasts. */
function drip(payloadBytes: number, bytesPerSecond: number) {
  const scripted = openConnection();
  scripted.connection.keepAlive(KEEP_ALIVE_SECONDS);
  const packet = encodePublish(parts({ payload: Buffer.alloc(payloadBytes) }));
  let seconds = 0;
  for (let sent = 0; sent < packet.length && scripted.closed === undefined; seconds++) {
    scripted.socket.send(packet.subarray(sent, sent + bytesPerSecond));
    sent += bytesPerSecond;
    scripted.clock.advance(1_000);
  }
  return { scripted, seconds };
}

t.test('a byte a second is noticed, whatever the size of the packet', async (t) => {
  for (const payloadBytes of [100, 500_000, 1_500_000]) {
    const { scripted, seconds } = drip(payloadBytes, 1);
    t.match(scripted.closed?.reason, /^\d+ bytes of a packet heard for 10 s after PINGREQ/);
    t.ok(seconds <= 2 * KEEP_ALIVE_SECONDS, `${seconds} s`);
    t.equal(scripted.received.length, 0);
  }
});

t.test('a large payload that comes slowly is waited for', async (t) => {
  for (const [payloadBytes, bytesPerSecond] of [
    [20_000, 40],
    [1_500_000, 2_000],
  ] as const) {
    const { scripted, seconds } = drip(payloadBytes, bytesPerSecond);
    t.ok(seconds > 20 * KEEP_ALIVE_SECONDS);
    t.equal(scripted.closed, undefined);
    t.equal(scripted.received.length, 1);
  }
});

t.test('small packets that end are heard, however few bytes they are', async (t) => {
  const scripted = openConnection();
  scripted.connection.keepAlive(KEEP_ALIVE_SECONDS);
  for (let second = 0; second < 300; second++) {
    if (second % 4 === 0) scripted.socket.send(Buffer.of(0x40, 2, 0, 1));
    scripted.clock.advance(1_000);
  }
  t.equal(scripted.closed, undefined);
});

t.test('a PINGRESP that waited behind a PUBLISH without credit answers', async (t) => {
  const scripted = openConnection();
  scripted.connection.keepAlive(KEEP_ALIVE_SECONDS);
  let credit = false;
  scripted.hasCredit = () => credit;
  scripted.clock.advance(5_000);
  scripted.socket.send(
    Buffer.concat([encodePublish(parts({ payload: Buffer.alloc(4) })), Buffer.of(0xd0, 0)]),
  );
  t.ok(scripted.connection.paused);
  credit = true;
  scripted.connection.resume();
  t.equal(scripted.received.length, 1);
  // Quiet from here on, but for what answers the PINGREQs.
  for (let second = 0; second < 60; second++) {
    scripted.clock.advance(1_000);
    if (second % 10 === 9) scripted.socket.send(Buffer.of(0xd0, 0));
  }
  t.equal(scripted.closed, undefined);
});

t.test('a payload for the disk that drips is noticed too, though each part is kept', async (t) => {
  const scripted = openConnection({ payloadBytesMax: 100 });
  scripted.oversizeSink = DISCARD;
  scripted.connection.keepAlive(KEEP_ALIVE_SECONDS);
  const packet = encodePublish(parts({ payload: Buffer.alloc(10_000) }));
  const head = packet.length - 10_000;
  scripted.socket.send(packet.subarray(0, head));
  let seconds = 0;
  for (; seconds < 60 && scripted.closed === undefined; seconds++) {
    scripted.socket.send(packet.subarray(head + seconds, head + seconds + 1));
    await turn();
    scripted.clock.advance(1_000);
  }
  t.match(scripted.closed?.reason, /^\d+ bytes of a packet heard for 10 s after PINGREQ/);
  t.ok(seconds <= 2 * KEEP_ALIVE_SECONDS, `${seconds} s`);
});
