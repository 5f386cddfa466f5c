import t from 'tap';
import { LONGEST_WAIT_MS, ScriptedSession } from '../support/scripted-session.js';
import { nextTurn } from '../support/scripted-socket.js';

/* How a session's connection ends, by the broker's doing and by ours, and what it says of it. */

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

t.test('a broker that wants no Keep Alive is asked whether it is there all the same', async (t) => {
  const scripted = new ScriptedSession();
  scripted.activate({ properties: { serverKeepAlive: 0 } });
  scripted.socket.packets();
  scripted.clock.advance(30_000);
  t.match(scripted.socket.packets(), [{ cmd: 'pingreq' }]);
  scripted.clock.advance(60_000);
  t.match(scripted.session.state, { kind: 'waiting', reason: /nothing heard/ });
});

t.test('a broker that falls silent is left', async (t) => {
  const scripted = new ScriptedSession();
  scripted.activate();
  scripted.clock.advance(90_000);
  t.match(scripted.session.state, { kind: 'waiting', reason: /nothing heard/ });
  scripted.clock.advance(200);
  t.equal(scripted.sockets.length, 2, 'and dialled again');
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
  const early = new ScriptedSession().open();
  early.publishTo('a', 1);
  t.equal(early.disconnectCode(), 0x82, 'a PUBLISH before the CONNACK');
  t.strictSame(early.deliveries, []);
  const earlyPuback = new ScriptedSession().open();
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
  const open = new ScriptedSession().open();
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
