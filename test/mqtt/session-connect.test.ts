import type { IConnackPacket } from 'mqtt-packet';
import t from 'tap';
import { LONGEST_WAIT_MS, ScriptedSession } from '../support/scripted-session.js';
import { nextTurn } from '../support/scripted-socket.js';

/* CONNECT and CONNACK: what a session announces, and what it makes of the broker's answer. */

t.test('CONNECT resumes the session and announces our limits', async (t) => {
  const scripted = new ScriptedSession().open();
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
  scripted.open();
  const [connect] = scripted.socket.packets();
  t.notOk(connect?.cmd === 'connect' && connect.properties?.maximumPacketSize);
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
    scripted.open();
    scripted.socket.send(Buffer.from([0x20, body.length, ...body]));
    t.equal(scripted.disconnectCode(), 0x82);
    t.match(scripted.session.state, { kind: 'waiting', reason });
  }
});

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
  const off = new ScriptedSession({ keepAliveSeconds: 0 });
  off.activate({ properties: { serverKeepAlive: 0 } });
  off.socket.packets();
  off.clock.advance(1_000_000);
  t.strictSame(off.socket.packets(), []);
  t.equal(off.session.state.kind, 'active');
});

t.test('a session that the broker keeps for less than asked is warned of', async (t) => {
  const scripted = new ScriptedSession();
  scripted.activate({ properties: { sessionExpiryInterval: 60 } });
  t.match(scripted.warnings, [/keeps this session for 60 s .* not the 86400 s/]);
  const longer = new ScriptedSession();
  longer.activate({ properties: { sessionExpiryInterval: 100_000 } });
  t.strictSame(longer.warnings, []);
});

t.test('no CONNACK in time: it hangs up and tries again', async (t) => {
  const scripted = new ScriptedSession().open();
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
