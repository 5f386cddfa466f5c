import type { Packet } from 'mqtt-packet';
import t from 'tap';
import { LONGEST_WAIT_MS, ScriptedSession } from '../support/scripted-session.js';

/* What a session subscribes to and unsubscribes from, and what the broker answers. */

t.test('after the CONNACK it subscribes, and is active when all is granted', async (t) => {
  const subscriptions = [
    { filter: 'a', qos: 1, id: 3 },
    { filter: 'b', qos: 0, id: 4 },
  ] as const;
  const scripted = new ScriptedSession({ subscriptions });
  scripted.connect();
  t.match(scripted.socket.packets().slice(1), [
    { cmd: 'subscribe', subscriptions: [{ topic: 'a', qos: 1 }] },
    { cmd: 'subscribe', subscriptions: [{ topic: 'b', qos: 0 }] },
  ]);
  t.equal(scripted.session.state.kind, 'subscribing');
  scripted.send({ cmd: 'suback', messageId: 2, granted: [0] });
  t.equal(scripted.session.state.kind, 'subscribing');
  scripted.send({ cmd: 'suback', messageId: 1, granted: [1] });
  t.equal(scripted.session.state.kind, 'active');
  t.strictSame(scripted.warnings, []);
});

t.test('a session without subscriptions is active at once', async (t) => {
  const scripted = new ScriptedSession({ subscriptions: [] });
  scripted.connect();
  t.equal(scripted.session.state.kind, 'active');
});

t.test('another QoS than asked for is warned of', async (t) => {
  for (const granted of [0, 2] as const) {
    const scripted = new ScriptedSession();
    scripted.connect();
    scripted.send({ cmd: 'suback', messageId: 1, granted: [granted] });
    t.equal(scripted.session.state.kind, 'active');
    t.match(scripted.warnings, [new RegExp(`grants QoS ${granted} for "plant/#", not 1`)]);
  }
});

t.test('a SUBSCRIBE over the Maximum Packet Size of the broker is not sent', async (t) => {
  for (const [maximumPacketSize, sent] of [
    [17, 1],
    [16, 0],
  ] as const) {
    const scripted = new ScriptedSession();
    scripted.connect({ properties: { maximumPacketSize } });
    const packets = scripted.socket.packets();
    const subscribes = packets.filter(({ cmd }) => cmd === 'subscribe');
    t.equal(subscribes.length, sent, `${maximumPacketSize}`);
    if (sent === 1) continue;
    t.match(scripted.session.state, {
      kind: 'waiting',
      refused: true,
      reason: /Maximum Packet Size is 16, and to subscribe to "plant\/#" takes 17 bytes/,
    });
  }
});

t.test(
  'a refused subscription stops no other; it is tried again seldom, until it is granted',
  async (t) => {
    const subscriptions = [
      { filter: 'a', qos: 1, id: 3 },
      { filter: 'b', qos: 1, id: 4 },
    ] as const;
    const scripted = new ScriptedSession({ subscriptions });
    scripted.connect();
    scripted.socket.packets();
    const refuse = (reasonString: string) =>
      scripted.send({
        cmd: 'suback',
        messageId: 2,
        granted: [0x87 as 0x80],
        properties: { reasonString },
      });
    refuse('no right');
    t.equal(scripted.session.state.kind, 'subscribing', 'the other is not answered yet');
    scripted.send({ cmd: 'suback', messageId: 1, granted: [1] });
    t.equal(scripted.session.state.kind, 'active');
    t.strictSame(scripted.refusals, [['b', '0x87 Not authorized (no right)']]);
    scripted.publishTo('a', 7);
    t.strictSame(scripted.topics, ['a'], 'the other works');
    scripted.socket.packets();
    scripted.clock.advance(LONGEST_WAIT_MS / 2 - 1);
    t.strictSame(scripted.socket.packets(), []);
    scripted.clock.advance(LONGEST_WAIT_MS / 4 + 1);
    t.match(scripted.socket.packets(), [
      { cmd: 'subscribe', messageId: 2, subscriptions: [{ topic: 'b' }] },
    ]);
    refuse('no right');
    t.equal(scripted.refusals.length, 1, 'the same is said once');
    scripted.clock.advance(LONGEST_WAIT_MS);
    refuse('no right yet');
    t.equal(scripted.refusals.length, 2);
    scripted.clock.advance(LONGEST_WAIT_MS);
    scripted.send({ cmd: 'suback', messageId: 2, granted: [1] });
    t.strictSame(scripted.refusals.at(-1), ['b', undefined]);
    scripted.socket.packets();
    scripted.clock.advance(LONGEST_WAIT_MS);
    t.notOk(scripted.socket.packets().some(({ cmd }) => cmd === 'subscribe'));
    t.equal(scripted.sockets.length, 1, 'over one connection');
    t.equal(scripted.states.filter(({ kind }) => kind === 'active').length, 1);
  },
);

t.test('where every subscription is refused the session goes on, and asks again', async (t) => {
  for (const code of [0x80, 0x83, 0x87, 0x8f, 0x91, 0x97, 0x9e, 0xa1, 0xa2]) {
    const scripted = new ScriptedSession();
    scripted.connect({ sessionPresent: true });
    scripted.send({ cmd: 'suback', messageId: 1, granted: [code as 0x80] });
    t.equal(scripted.session.state.kind, 'active', code.toString(16));
    t.match(scripted.refusals, [['plant/#', new RegExp(`^0x${code.toString(16)} `)]]);
    scripted.publishTo('a', 1);
    t.strictSame(scripted.topics, ['a'], 'what the broker had stored');
    scripted.clock.advance(LONGEST_WAIT_MS);
    t.equal(scripted.socket.packets().filter(({ cmd }) => cmd === 'subscribe').length, 2);
    t.equal(scripted.sockets.length, 1);
  }
});

t.test('an answer that does not answer what was asked is an error of the protocol', async (t) => {
  const answers: [Packet | Buffer, RegExp][] = [
    [{ cmd: 'suback', messageId: 9, granted: [1] }, /SUBACK for packet identifier 9, which nobody/],
    [Buffer.from([0x90, 3, 0, 1, 0]), /SUBACK with 0 reason codes/],
    [{ cmd: 'suback', messageId: 1, granted: [1, 1] }, /SUBACK with 2 reason codes/],
    [{ cmd: 'unsuback', messageId: 2, granted: [0] }, /UNSUBACK for packet identifier 2/],
  ];
  for (const [answer, reason] of answers) {
    const scripted = new ScriptedSession();
    scripted.connect();
    if (Buffer.isBuffer(answer)) scripted.socket.send(answer);
    else scripted.send(answer);
    t.equal(scripted.disconnectCode(), 0x82);
    t.match(scripted.session.state, { kind: 'waiting', reason });
  }
});

t.test('no answer is awaited twice', async (t) => {
  const answers: Packet[] = [
    { cmd: 'suback', messageId: 1, granted: [1] },
    { cmd: 'unsuback', messageId: 2, granted: [0] },
  ];
  for (const answer of answers) {
    const scripted = new ScriptedSession({ staleFilters: ['old'] });
    scripted.activate();
    scripted.socket.packets();
    if (answer.cmd === 'unsuback') scripted.send(answer);
    t.equal(scripted.session.state.kind, 'active');
    scripted.send(answer);
    t.equal(scripted.disconnectCode(), 0x82, answer.cmd);
  }
});

t.test('where no SUBACK comes the connection ends, and the next waits longer', async (t) => {
  const scripted = new ScriptedSession();
  for (const waitMs of [100, 200, 400]) {
    scripted.connect({ sessionPresent: true });
    scripted.clock.advance(999);
    t.equal(scripted.session.state.kind, 'subscribing');
    scripted.clock.advance(1);
    t.match(scripted.session.state, { kind: 'waiting', reason: 'no SUBACK within 1000 ms' });
    const { length } = scripted.sockets;
    scripted.clock.advance(waitMs - 1);
    t.equal(scripted.sockets.length, length, `not before ${waitMs} ms`);
    scripted.clock.advance(waitMs * 3);
    t.equal(scripted.sockets.length, length + 1);
  }
});

t.test('a SUBACK that cannot be read, for a pause of our own, is waited for', async (t) => {
  const scripted = new ScriptedSession();
  scripted.connect({ sessionPresent: true });
  scripted.credit = false;
  scripted.publishTo('a', 1);
  scripted.send({ cmd: 'suback', messageId: 1, granted: [1] });
  scripted.clock.advance(10_000);
  t.equal(scripted.session.state.kind, 'subscribing');
  scripted.credit = true;
  scripted.session.resume();
  t.equal(scripted.session.state.kind, 'active');
  scripted.clock.advance(10_000);
  t.equal(scripted.session.state.kind, 'active');
});

t.test(
  'what was refused is forgotten with its connection, and asked for by the next',
  async (t) => {
    const scripted = new ScriptedSession();
    scripted.connect();
    scripted.send({ cmd: 'suback', messageId: 1, granted: [0x87 as 0x80] });
    await scripted.cut();
    scripted.clock.advance(200);
    t.equal(scripted.sockets.length, 2);
    scripted.clock.advance(LONGEST_WAIT_MS);
    t.strictSame(
      scripted.socket.packets(),
      [],
      'nothing is asked over a connection that is not there',
    );
    scripted.activate();
    t.equal(scripted.session.state.kind, 'active');
    t.equal(scripted.refusals.length, 1);
  },
);

t.test('a broker without Subscription Identifiers gets none', async (t) => {
  const scripted = new ScriptedSession();
  scripted.connect({ properties: { subscriptionIdentifiersAvailable: false } });
  const subscribe = scripted.socket.packets().find(({ cmd }) => cmd === 'subscribe');
  t.equal(subscribe?.cmd === 'subscribe' ? subscribe.properties : null, undefined);
  const with7 = new ScriptedSession();
  with7.connect();
  t.match(with7.socket.packets()[1], { properties: { subscriptionIdentifier: 7 } });
});

t.test('stale filters are unsubscribed at each connection, before anything else', async (t) => {
  const scripted = new ScriptedSession({ staleFilters: ['old/#', '$share/g/older'] });
  scripted.connect();
  t.match(scripted.socket.packets().slice(1), [
    { cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['old/#', '$share/g/older'] },
    { cmd: 'subscribe', messageId: 1 },
  ]);
  scripted.send({ cmd: 'unsuback', messageId: 2, granted: [0, 0x11] });
  t.equal(scripted.unsubscribed, 1);
});

t.test('a refused UNSUBSCRIBE leaves the filters to be given up', async (t) => {
  const scripted = new ScriptedSession({ staleFilters: ['old/#', 'older'] });
  scripted.connect();
  scripted.send({ cmd: 'unsuback', messageId: 2, granted: [0, 0x87] });
  t.equal(scripted.unsubscribed, 0);
  t.match(scripted.warnings, [/refuses UNSUBSCRIBE: 0x87 Not authorized/]);
});
