import type { IConnackPacket, Packet } from 'mqtt-packet';
import t from 'tap';
import { LONGEST_WAIT_MS, ScriptedSession } from '../support/scripted-session.js';
import { nextTurn } from '../support/scripted-socket.js';

/* A session's states: dialling, connecting, subscribing, active, waiting, stopped. Deliveries are in
 * session-deliveries.test.ts. */

function connecting(): ScriptedSession {
  const scripted = new ScriptedSession();
  scripted.dial();
  scripted.socket.accept();
  return scripted;
}

t.test('CONNECT resumes the session and announces our limits', async (t) => {
  const scripted = connecting();
  t.match(scripted.socket.packets(), [
    {
      cmd: 'connect',
      protocolVersion: 5,
      clean: false,
      clientId: 'millrace-0',
      keepalive: 60,
      properties: {
        sessionExpiryInterval: 86_400,
        receiveMaximum: 4,
        topicAliasMaximum: 10,
        maximumPacketSize: 3_000_000,
      },
    },
  ]);
  t.strictSame(
    scripted.states.map(({ kind }) => kind),
    ['dialling', 'connecting'],
  );
});

t.test('without a Maximum Packet Size none is announced', async (t) => {
  const scripted = new ScriptedSession({ maximumPacketSize: undefined });
  scripted.dial();
  scripted.socket.accept();
  const [connect] = scripted.socket.packets();
  t.notOk(connect?.cmd === 'connect' && connect.properties?.maximumPacketSize);
});

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

t.test('a CONNACK that MQTT 5 forbids is named, and ends the connection', async (t) => {
  const connacks: [number[], RegExp][] = [
    [[0, 0, 3, 0x21, 0, 0], /Receive Maximum of 0/],
    [[0, 0, 6, 0x21, 0, 1, 0x21, 0, 2], /receiveMaximum more than once/],
    [[0, 0, 5, 0x27, 0, 0, 0, 0], /Maximum Packet Size of 0/],
    [[0, 0, 2, 0x24, 2], /Maximum QoS of 2/],
    [[0, 1, 0], /reason code 0x01, which CONNACK cannot have \(does it speak MQTT 5\?\)/],
    [[0, 0x42, 0], /reason code 0x42, which CONNACK cannot have$/],
  ];
  for (const [body, reason] of connacks) {
    const scripted = new ScriptedSession();
    scripted.dial();
    scripted.socket.accept();
    scripted.socket.send(Buffer.from([0x20, body.length, ...body]));
    t.equal(scripted.disconnectCode(), 0x82);
    t.match(scripted.session.state, { kind: 'waiting', reason });
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

t.test('what the broker says for people is cut to what people read', async (t) => {
  const reasonString = `no ${'x'.repeat(60_000)}`;
  const scripted = new ScriptedSession();
  scripted.connect();
  scripted.send({
    cmd: 'suback',
    messageId: 1,
    granted: [0x87 as 0x80],
    properties: { reasonString },
  });
  t.match(scripted.refusals, [['plant/#', /Not authorized \(no x+\.\.\. \(60003 characters\)\)$/]]);
  scripted.send({ cmd: 'disconnect', reasonCode: 0x8b, properties: { reasonString } });
  const { state } = scripted.session;
  t.ok(state.kind === 'waiting' && state.reason.length < 300);
  const refused = new ScriptedSession();
  refused.connect({ reasonCode: 0x87, properties: { reasonString } });
  t.ok(refused.session.state.kind === 'waiting' && refused.session.state.reason.length < 350);
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

t.test('more PINGRESPs than were asked for end the connection, one is forgiven', async (t) => {
  const scripted = new ScriptedSession({ keepAliveSeconds: 60 });
  scripted.activate();
  scripted.send({ cmd: 'pingresp' });
  scripted.clock.advance(30_000);
  scripted.send({ cmd: 'pingresp' });
  t.equal(scripted.session.state.kind, 'active');
  scripted.socket.send(Buffer.alloc(200_000, Buffer.from([0xd0, 0])));
  t.equal(scripted.disconnectCode(), 0x82);
  t.match(scripted.session.state, { kind: 'waiting', reason: /PINGRESPs that nobody asked for/ });
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

t.test('a refused CONNECT waits as long as its reason code asks for', async (t) => {
  const cases = [
    [0x87, true],
    [0x86, true],
    [0x85, true],
    [0x84, true],
    [0x8a, true],
    [0x9c, true],
    [0x88, false],
    [0x89, false],
    [0x97, false],
    [0x9f, false],
  ] as const;
  for (const [reasonCode, refused] of cases) {
    const scripted = new ScriptedSession();
    scripted.connect({ reasonCode, properties: { reasonString: 'because' } });
    const name = `0x${reasonCode.toString(16)}`;
    t.match(scripted.session.state, { kind: 'waiting', refused, reason: /\(because\)/ }, name);
    t.match(scripted.session.state, { reason: new RegExp(name) });
    scripted.clock.advance(200);
    t.equal(scripted.sockets.length, refused ? 1 : 2, name);
  }
});

t.test('a broker that lacks what a subscription needs is refused with the reason', async (t) => {
  const lacks = async (filter: string, properties: IConnackPacket['properties'], text: RegExp) => {
    const scripted = new ScriptedSession({ subscriptions: [{ filter, qos: 1, id: 1 }] });
    scripted.connect({ properties: properties ?? {} });
    t.match(scripted.session.state, { kind: 'waiting', refused: true, reason: text });
    const commands = scripted.socket.packets().map(({ cmd }) => cmd);
    t.notOk(commands.includes('subscribe'), 'nothing is asked for');
  };
  await lacks('a/#', { wildcardSubscriptionAvailable: false }, /no wildcard/);
  await lacks('$share/g/a', { sharedSubscriptionAvailable: false }, /no shared/);
  await lacks('a', { maximumQoS: 0 }, /Maximum QoS is 0/);
});

t.test('a broker without Subscription Identifiers gets none', async (t) => {
  const scripted = new ScriptedSession();
  scripted.connect({ properties: { subscriptionIdentifiersAvailable: false } });
  const subscribe = scripted.socket.packets().find(({ cmd }) => cmd === 'subscribe');
  t.equal(subscribe?.cmd === 'subscribe' ? subscribe.properties : null, undefined);
  const with7 = new ScriptedSession();
  with7.connect();
  t.match(with7.socket.packets()[1], { properties: { subscriptionIdentifier: 7 } });
});

t.test('who sees the limits may stop the session, and it stays stopped', async (t) => {
  const scripted = new ScriptedSession();
  scripted.onLimits = () => scripted.session.stop('overlapping filters');
  scripted.connect();
  t.strictSame(scripted.session.state, { kind: 'stopped', reason: 'overlapping filters' });
  const commands = scripted.socket.packets().map(({ cmd }) => cmd);
  t.strictSame(commands, ['connect', 'disconnect']);
  scripted.clock.advance(10 * LONGEST_WAIT_MS);
  t.equal(scripted.sockets.length, 1);
});

t.test("the server's Keep Alive replaces ours", async (t) => {
  const scripted = new ScriptedSession();
  scripted.activate({ properties: { serverKeepAlive: 10 } });
  scripted.socket.packets();
  scripted.clock.advance(5_000);
  t.match(scripted.socket.packets(), [{ cmd: 'pingreq' }]);
  scripted.send({ cmd: 'pingresp' });
  const off = new ScriptedSession();
  off.activate({ properties: { serverKeepAlive: 0 } });
  off.socket.packets();
  off.clock.advance(1_000_000);
  t.strictSame(off.socket.packets(), []);
  t.equal(off.session.state.kind, 'active');
});

t.test('a broker that falls silent is left', async (t) => {
  const scripted = new ScriptedSession();
  scripted.activate();
  scripted.clock.advance(90_000);
  t.match(scripted.session.state, { kind: 'waiting', reason: /nothing heard/ });
  scripted.clock.advance(200);
  t.equal(scripted.sockets.length, 2, 'and dialled again');
});

t.test('a session that the broker keeps for less than asked is warned of', async (t) => {
  const scripted = new ScriptedSession();
  scripted.activate({ properties: { sessionExpiryInterval: 60 } });
  t.match(scripted.warnings, [/keeps this session for 60 s .* not the 86400 s/]);
  const longer = new ScriptedSession();
  longer.activate({ properties: { sessionExpiryInterval: 100_000 } });
  t.strictSame(longer.warnings, []);
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

t.test('no CONNACK in time: it hangs up and tries again', async (t) => {
  const scripted = connecting();
  scripted.clock.advance(1_000);
  await nextTurn();
  t.ok(scripted.socket.destroyed);
  t.match(scripted.session.state, { kind: 'waiting', reason: /no CONNACK within 1000 ms/ });
  scripted.activate();
  scripted.clock.advance(1_000);
  t.equal(
    scripted.session.state.kind,
    'active',
    'the time-out of one CONNECT ends with its CONNACK',
  );
});

t.test('a DISCONNECT of the broker is taken by its reason code', async (t) => {
  for (const [reasonCode, refused] of [
    [0x8b, false],
    [0x98, false],
    [0x87, true],
    [0x9d, true],
  ] as const) {
    const scripted = new ScriptedSession();
    scripted.activate();
    scripted.send({ cmd: 'disconnect', reasonCode, properties: { reasonString: 'bye' } });
    t.match(scripted.session.state, {
      kind: 'waiting',
      refused,
      reason: new RegExp(`disconnected: 0x${reasonCode.toString(16)}.*\\(bye\\)`),
    });
    t.ok(scripted.socket.destroyed);
  }
});

t.test('a session that is taken over stops and says so once, rather than fights', async (t) => {
  const scripted = new ScriptedSession();
  scripted.activate();
  scripted.send({ cmd: 'disconnect', reasonCode: 0x8e });
  t.match(scripted.session.state, { kind: 'stopped', reason: /"millrace-0"/ });
  await nextTurn();
  scripted.clock.advance(10 * LONGEST_WAIT_MS);
  t.equal(scripted.sockets.length, 1);
  t.equal(scripted.states.filter(({ kind }) => kind === 'stopped').length, 1);
});

t.test('packets that have no place here end the connection with 0x82', async (t) => {
  const active = () => {
    const scripted = new ScriptedSession();
    scripted.activate();
    scripted.socket.packets();
    return scripted;
  };
  const secondConnack = active();
  secondConnack.send({ cmd: 'connack', reasonCode: 0, sessionPresent: true });
  t.equal(secondConnack.disconnectCode(), 0x82);
  const pubrel = active();
  pubrel.send({ cmd: 'pubrel', messageId: 1, reasonCode: 0 });
  t.equal(pubrel.disconnectCode(), 0x82);
  const early = connecting();
  early.publishTo('a', 1);
  t.equal(early.disconnectCode(), 0x82, 'a PUBLISH before the CONNACK');
  t.strictSame(early.deliveries, []);
  const earlyPuback = connecting();
  earlyPuback.send({ cmd: 'puback', messageId: 1, reasonCode: 0 });
  t.equal(earlyPuback.disconnectCode(), 0x82, 'a PUBACK before the CONNACK');
});

t.test('stopping disconnects normally and keeps the session at the broker', async (t) => {
  const scripted = new ScriptedSession();
  scripted.activate();
  scripted.session.stop('shutting down');
  const packets = scripted.socket.packets();
  t.match(packets, [{ cmd: 'disconnect', reasonCode: 0 }]);
  t.notOk(packets.some((packet) => packet.cmd === 'disconnect' && packet.properties));
  scripted.socket.close();
  scripted.clock.advance(10 * LONGEST_WAIT_MS);
  t.equal(scripted.sockets.length, 1);
  t.strictSame(scripted.session.state, { kind: 'stopped', reason: 'shutting down' });
});

t.test('stopping for good has the broker forget the session', async (t) => {
  const scripted = new ScriptedSession();
  scripted.activate();
  scripted.session.stop('retired', true);
  t.match(scripted.socket.packets(), [
    { cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } },
  ]);
});

t.test('stopping in any state is the end', async (t) => {
  const idle = new ScriptedSession();
  const dialling = new ScriptedSession();
  dialling.dial();
  const waiting = new ScriptedSession();
  waiting.dial();
  waiting.socket.close(new Error('refused'));
  const open = connecting();
  for (const scripted of [idle, dialling, waiting, open]) {
    const dialled = scripted.sockets.length;
    scripted.session.stop('enough');
    if (dialled > 0) scripted.socket.options.onConnected();
    await nextTurn();
    scripted.session.start();
    scripted.clock.advance(10 * LONGEST_WAIT_MS);
    t.equal(scripted.session.state.kind, 'stopped');
    t.equal(scripted.sockets.length, dialled);
  }
});
