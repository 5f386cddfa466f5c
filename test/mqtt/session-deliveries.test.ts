import t from 'tap';
import { DISCARD } from '../../src/mqtt/receive/oversize.js';
import {
  encodePublish,
  type PropertyPart,
  pair,
  parts,
  TOPIC_ALIAS,
  u16,
} from '../support/publish-packets.js';
import { ScriptedSession } from '../support/scripted-session.js';
import { nextTurn } from '../support/scripted-socket.js';

/* What a session does with PUBLISHes, over one connection and over several. */

const resumed = { sessionPresent: true };

function active(options: ConstructorParameters<typeof ScriptedSession>[0] = {}): ScriptedSession {
  const scripted = new ScriptedSession(options);
  scripted.activate();
  scripted.socket.packets();
  return scripted;
}

t.test('a PUBLISH is acknowledged when its delivery is settled, in order of arrival', async (t) => {
  const scripted = active();
  scripted.publishTo('a', 1);
  scripted.publishTo('b', 2);
  t.strictSame(scripted.topics, ['a', 'b']);
  scripted.settle('b', 0x83);
  t.strictSame(scripted.pubacks(), []);
  scripted.settle('a');
  t.strictSame(scripted.pubacks(), [
    [1, 0],
    [2, 0x83],
  ]);
});

t.test('QoS 0 is handed on and never acknowledged', async (t) => {
  const scripted = active();
  scripted.publish({ qos: 0, topic: Buffer.from('a') });
  t.strictSame(scripted.topics, ['a']);
  t.equal(scripted.session.inflight.pending, 0);
});

t.test('a PUBLISH may come before the SUBACK, on a resumed session', async (t) => {
  const scripted = new ScriptedSession();
  scripted.connect(resumed);
  scripted.publishTo('a', 1);
  t.strictSame(scripted.topics, ['a']);
});

t.test('what comes again over a resumed session is joined, not produced', async (t) => {
  const scripted = active();
  scripted.publishTo('a', 1);
  scripted.publishTo('b', 2);
  await scripted.cut();
  scripted.settle('a');
  scripted.activate(resumed);
  scripted.publishTo('a', 1, true);
  scripted.publishTo('b', 2, true);
  t.strictSame(scripted.topics, ['a', 'b'], 'no delivery more');
  t.strictSame(scripted.joined, [1, 2]);
  t.strictSame(scripted.pubacks(), [[1, 0]], 'settled while we were away');
  scripted.settle('b');
  t.strictSame(scripted.pubacks(), [[2, 0]]);
});

t.test('a large redelivery gives its payload back', async (t) => {
  const scripted = active();
  const publish = { packetId: 1, topic: Buffer.from('a'), payload: Buffer.alloc(1_500_000) };
  scripted.publish(publish);
  await scripted.cut();
  scripted.activate(resumed);
  scripted.publish({ ...publish, dup: true });
  t.strictSame(scripted.joined, [1]);
  t.equal(scripted.slab.takenBytes, 0);
});

t.test('redeliveries are joined although the credit is used up', async (t) => {
  const scripted = active();
  for (const [i, topic] of ['a', 'b', 'c', 'd'].entries()) scripted.publishTo(topic, i + 1);
  t.ok(scripted.session.inflight.full);
  await scripted.cut();
  scripted.activate(resumed);
  for (const [i, topic] of ['a', 'b', 'c', 'd'].entries()) scripted.publishTo(topic, i + 1, true);
  t.strictSame(scripted.joined, [1, 2, 3, 4]);
  t.notOk(scripted.session.paused, 'the loss of this connection will be noticed too');
});

t.test('a packet identifier that comes again without DUP is another message', async (t) => {
  const scripted = active();
  scripted.publishTo('a', 1);
  await scripted.cut();
  scripted.activate(resumed);
  scripted.publishTo('b', 1);
  t.strictSame(scripted.topics, ['a', 'b']);
  scripted.settle('a', 0x83);
  t.strictSame(scripted.pubacks(), [], 'the end of the first concerns nobody');
  scripted.settle('b');
  t.strictSame(scripted.pubacks(), [[1, 0]]);
});

t.test('an identifier that went to another message while we were away is not joined', async (t) => {
  const scripted = active();
  scripted.publishTo('expired', 1);
  scripted.publishTo('b', 2);
  await scripted.cut();
  scripted.activate(resumed);
  scripted.publishTo('b', 2, true);
  scripted.publishTo('new', 3);
  await scripted.cut();
  scripted.activate(resumed);
  scripted.publishTo('b', 2, true);
  scripted.publishTo('new', 3, true);
  scripted.publishTo('lost on its way at first', 1, true);
  t.strictSame(scripted.joined, [2, 2, 3]);
  t.strictSame(scripted.topics, ['expired', 'b', 'new', 'lost on its way at first']);
  scripted.socket.packets();
  for (const topic of ['expired', 'b', 'new']) scripted.settle(topic);
  t.strictSame(scripted.pubacks(), [
    [2, 0],
    [3, 0],
  ]);
});

t.test(
  'a session that was new to a connection we refused is not the one that we knew',
  async (t) => {
    const scripted = active({ subscriptions: [{ filter: 'plant/#', qos: 1, id: 7 }] });
    scripted.publishTo('a', 1);
    await scripted.cut();
    scripted.connect({ sessionPresent: false, properties: { maximumQoS: 0 } });
    t.match(scripted.session.state, { kind: 'waiting', refused: true });
    scripted.activate(resumed);
    scripted.publishTo('b', 1, true);
    t.strictSame(scripted.topics, ['a', 'b']);
  },
);

t.test('DUP without an open delivery is produced', async (t) => {
  const scripted = active();
  scripted.publishTo('a', 1, true);
  t.strictSame(scripted.topics, ['a']);
});

t.test('a lost session produces again, and open deliveries keep their credit', async (t) => {
  const scripted = active({ receiveMaximum: 2 });
  scripted.publishTo('a', 1);
  scripted.publishTo('b', 2);
  await scripted.cut();
  scripted.activate({ sessionPresent: false });
  scripted.publishTo('a', 1, true);
  t.strictSame(scripted.topics, ['a', 'b'], 'no credit yet');
  t.ok(scripted.session.paused);
  scripted.settle('b');
  scripted.session.resume();
  t.strictSame(scripted.topics, ['a', 'b', 'a'], 'DUP of a lost session is no redelivery');
  t.strictSame(scripted.pubacks(), []);
});

t.test(
  'an abandoned delivery ends the connection, and is produced when it comes again',
  async (t) => {
    const scripted = active();
    scripted.publishTo('a', 1);
    scripted.session.inflight.abandon(1, 0);
    scripted.session.reconnect('possibly persisted');
    t.equal(scripted.disconnectCode(), 0);
    t.match(scripted.session.state, { kind: 'waiting', reason: 'possibly persisted' });
    scripted.activate(resumed);
    scripted.publishTo('a', 1, true);
    t.strictSame(scripted.topics, ['a', 'a']);
  },
);

t.test('more than the Receive Maximum is left unread until a PUBACK has left', async (t) => {
  const scripted = active({ receiveMaximum: 2 });
  for (const [i, topic] of ['a', 'b', 'c'].entries()) scripted.publishTo(topic, i + 1);
  t.strictSame(scripted.topics, ['a', 'b']);
  t.equal(scripted.disconnectCode(), undefined);
  t.ok(scripted.session.paused);
  scripted.settle('b');
  scripted.session.resume();
  t.strictSame(scripted.topics, ['a', 'b'], 'the PUBACK of b waits for its turn');
  scripted.settle('a');
  scripted.session.resume();
  t.strictSame(scripted.topics, ['a', 'b', 'c']);
  t.match(scripted.warnings, [/more than the Receive Maximum of 2/]);
});

t.test('a packet identifier in use on this very connection is refused with 0x82', async (t) => {
  const scripted = active();
  scripted.publishTo('a', 1);
  scripted.publishTo('b', 1, true);
  t.strictSame(scripted.topics, ['a']);
  t.equal(scripted.disconnectCode(), 0x82);
});

t.test('without credit reading stops until it is resumed', async (t) => {
  const scripted = active();
  scripted.credit = false;
  scripted.publishTo('a', 1);
  t.ok(scripted.session.paused);
  t.strictSame(scripted.topics, []);
  scripted.session.resume();
  t.ok(scripted.session.paused);
  scripted.credit = true;
  scripted.session.resume();
  t.strictSame(scripted.topics, ['a']);
  t.notOk(scripted.session.paused);
});

t.test('a session that is to read no more acknowledges what it has', async (t) => {
  const scripted = active();
  scripted.publishTo('a', 1);
  scripted.session.stopReading();
  scripted.publishTo('b', 2);
  scripted.session.resume();
  t.strictSame(scripted.topics, ['a']);
  scripted.settle('a');
  t.strictSame(scripted.pubacks(), [[1, 0]]);
  t.notOk(scripted.session.paused, 'PUBACKs for what it sent may lie behind what it does not take');
});

t.test('a session that waits for credit when it is to read no more waits no longer', async (t) => {
  const scripted = active();
  scripted.credit = false;
  scripted.publishTo('a', 1);
  t.ok(scripted.session.paused);
  scripted.session.stopReading();
  t.notOk(scripted.session.paused);
  t.strictSame(scripted.topics, []);
  t.strictSame(scripted.pubacks(), []);
});

t.test('an alias stands for its topic name until the connection ends', async (t) => {
  const scripted = active();
  const aliased = (topic: string, alias: number, packetId: number) =>
    scripted.publish({
      topic: Buffer.from(topic),
      packetId,
      properties: [[TOPIC_ALIAS, u16(alias)]],
    });
  aliased('a', 10, 1);
  aliased('', 10, 2);
  t.strictSame(scripted.topics, ['a', 'a']);
  await scripted.cut();
  scripted.activate(resumed);
  scripted.socket.packets();
  aliased('', 10, 3);
  t.strictSame(scripted.topics, ['a', 'a'], 'it dies with its connection');
  t.equal(scripted.disconnectCode(), 0x82);
  const over = active();
  over.publish({ topic: Buffer.from('a'), properties: [[TOPIC_ALIAS, u16(11)]] });
  t.equal(over.disconnectCode(), 0x94);
});

/** Sends a packet over a new connection, and returns how that was answered. */
async function offer(scripted: ScriptedSession, packet: Buffer): Promise<number | undefined> {
  scripted.activate(resumed);
  scripted.socket.packets();
  scripted.socket.send(packet);
  const code = scripted.disconnectCode();
  await scripted.cut();
  return code;
}

const unreadable = {
  'a property that PUBLISH may not have': [parts({ properties: [[0x11, u16(1)]] }), 0x81],
  'a topic name with a wildcard': [parts({ topic: Buffer.from('plant/#') }), 0x90],
  'a topic name that is not UTF-8': [parts({ topic: Buffer.from([0xff]) }), 0x90],
  'an alias that stands for nothing': [
    parts({ topic: Buffer.alloc(0), properties: [[TOPIC_ALIAS, u16(3)]] }),
    0x82,
  ],
} as const;

for (const [name, [publish, reasonCode]] of Object.entries(unreadable)) {
  t.test(`${name}: refused twice, kept and acknowledged in its turn the third time`, async (t) => {
    const scripted = new ScriptedSession();
    const bad = encodePublish({ ...publish, dup: true });
    for (let i = 0; i < 2; i++) t.equal(await offer(scripted, bad), reasonCode);
    t.strictSame(scripted.unreadable, []);
    scripted.activate(resumed);
    scripted.socket.packets();
    scripted.publishTo('before', 1);
    scripted.socket.send(bad);
    scripted.publishTo('behind', 2);
    t.strictSame(scripted.topics, ['before', 'behind'], 'it is in nobody’s way');
    t.strictSame(Buffer.from(scripted.unreadable[0]?.packet as Uint8Array), bad);
    scripted.settle('before');
    t.strictSame(scripted.pubacks(), [[1, 0]], 'not before it is kept');
    scripted.keepUnreadable();
    await nextTurn();
    t.strictSame(scripted.pubacks(), [[5, 0x83]]);
    t.equal(scripted.session.inflight.pending, 1);
  });
}

t.test('a QoS 2 PUBLISH is refused with 0x9B, and the third time the session stops', async (t) => {
  const scripted = new ScriptedSession();
  for (let i = 0; i < 3; i++)
    t.equal(await offer(scripted, encodePublish(parts({ qos: 2 }))), 0x9b);
  t.match(scripted.session.state, { kind: 'stopped', reason: /QoS 2/ });
  t.strictSame(scripted.unreadable, []);
});

t.test('what has no packet identifier to acknowledge stops the session', async (t) => {
  const scripted = new ScriptedSession();
  const bad = encodePublish(parts({ packetId: 0 }));
  for (let i = 0; i < 3; i++) await offer(scripted, bad);
  t.match(scripted.session.state, { kind: 'stopped', reason: /packet identifier 0/ });
});

t.test(
  'a large PUBLISH that cannot be read whole stops the session, and leaks nothing',
  async (t) => {
    const payload = Buffer.alloc(1_500_000);
    for (const publish of [
      parts({ payload, topic: Buffer.from('a/#') }),
      parts({ payload, properties: [[0x11, u16(1)]] }),
    ]) {
      const scripted = new ScriptedSession();
      const bad = encodePublish(publish);
      for (let i = 0; i < 3; i++) await offer(scripted, bad);
      t.equal(scripted.session.state.kind, 'stopped');
      t.strictSame(scripted.unreadable, []);
      t.equal(scripted.slab.takenBytes, 0);
    }
  },
);

t.test('bad packets at QoS 0 are refused each time; nothing comes again', async (t) => {
  const scripted = new ScriptedSession();
  const bad = encodePublish(parts({ qos: 0, topic: Buffer.from('a/+') }));
  for (let i = 0; i < 6; i++) t.equal(await offer(scripted, bad), 0x90);
  t.equal(scripted.session.state.kind, 'waiting');
});

t.test(
  'an oversize PUBLISH whose letter is written is joined, and its payload discarded',
  async (t) => {
    const scripted = active({ payloadBytesMax: 1_000 });
    const large = { topic: Buffer.from('a'), packetId: 1, payload: Buffer.alloc(5_000) };
    scripted.session.inflight.open(1, 99);
    await scripted.cut();
    scripted.session.inflight.settle(1, 99, 0x83);
    scripted.activate(resumed);
    scripted.socket.packets();
    scripted.publish({ ...large, dup: true });
    await nextTurn();
    t.strictSame(scripted.joined, [1]);
    t.strictSame(scripted.pubacks(), [[1, 0x83]]);
    scripted.publishTo('behind', 2);
    t.strictSame(scripted.topics, ['behind'], 'the stream goes on behind it');
  },
);

t.test('an oversize PUBLISH obeys the rules of any other', async (t) => {
  const packet = (changes: object) =>
    encodePublish(parts({ topic: Buffer.from('a'), payload: Buffer.alloc(5_000), ...changes }));
  const cases = [
    [packet({ packetId: 1 }), 0x82],
    [packet({ topic: Buffer.from('a/#') }), 0x90],
    [packet({ topic: Buffer.alloc(0), properties: [[TOPIC_ALIAS, u16(4)]] }), 0x82],
  ] as const;
  for (const [bytes, reasonCode] of cases) {
    const scripted = active({ payloadBytesMax: 1_000 });
    scripted.publishTo('first', 1);
    scripted.socket.packets();
    scripted.socket.send(bytes);
    t.equal(scripted.disconnectCode(), reasonCode);
  }
  const waiting = active({ payloadBytesMax: 1_000 });
  waiting.socket.send(packet({}));
  t.ok(waiting.session.paused, 'without credit it waits');
});

t.test('fifty reconnects without a settlement leave everything as it was', async (t) => {
  const scripted = active();
  scripted.publishTo('a', 1);
  scripted.publishTo('b', 2);
  for (let i = 0; i < 50; i++) {
    await scripted.cut();
    scripted.activate(resumed);
    scripted.publishTo('a', 1, true);
    scripted.publishTo('b', 2, true);
  }
  t.strictSame(scripted.topics, ['a', 'b']);
  t.equal(scripted.session.inflight.pending, 2);
  t.equal(scripted.session.inflight.unacknowledged, 2);
  scripted.settle('b');
  scripted.settle('a');
  t.strictSame(scripted.pubacks(), [
    [1, 0],
    [2, 0],
  ]);
});

/** More than is read of one PUBLISH. */
const TOO_MANY = Array.from({ length: 6 }, () => pair('k', Buffer.alloc(50_000, 'v')));
/** More than is read before it is kept. */
const MANY_MORE = Array.from({ length: 25 }, () => pair('k', Buffer.alloc(50_000, 'v')));

t.test('what has too many properties is told by its topic, or by its alias', async (t) => {
  const scripted = active({ maximumPacketSize: undefined });
  scripted.oversizeSink = DISCARD;
  scripted.publish({
    topic: Buffer.from('known'),
    packetId: 1,
    properties: [[TOPIC_ALIAS, u16(3)]],
  });
  const alias = [TOPIC_ALIAS, u16(3)] as const;
  for (const [topic, properties, expected] of [
    ['named', TOO_MANY, 'named'],
    ['', [alias, ...TOO_MANY], 'known'],
    ['', [...TOO_MANY, alias], 'known'],
    ['', [...MANY_MORE, alias], ''],
    ['forbidden/#', TOO_MANY, ''],
  ] as const) {
    scripted.publish({ topic: Buffer.from(topic), qos: 0, properties });
    await nextTurn();
    t.equal(scripted.oversize.at(-1), expected);
  }
  t.equal(scripted.session.state.kind, 'active');
});

t.test('an alias that comes with too many properties holds for what comes behind', async (t) => {
  const scripted = active({ maximumPacketSize: undefined });
  scripted.oversizeSink = DISCARD;
  const aliased = (topic: string, packetId: number, properties: readonly PropertyPart[]) =>
    scripted.publish({
      topic: Buffer.from(topic),
      packetId,
      properties: [...properties, [TOPIC_ALIAS, u16(4)]],
    });
  aliased('first', 1, MANY_MORE);
  for (let i = 0; i < 10; i++) await nextTurn();
  aliased('', 2, []);
  t.strictSame(scripted.topics, ['first']);
  t.equal(scripted.disconnectCode(), undefined);
});
