import type { IPublishPacket } from 'mqtt-packet';
import t from 'tap';
import { UNSENT_BYTES_MAX } from '../../../src/config/limits.js';
import type { OutgoingPublish } from '../../../src/mqtt/send/outgoing-publish.js';
import type { SessionOptions } from '../../../src/mqtt/session-options.js';
import { outgoing, ServerAliases } from '../../support/outgoing.js';
import { ScriptedSession } from '../../support/scripted-session.js';

/* What a session sends, and what it sends again. The broker is the test. */

interface Sender {
  readonly scripted: ScriptedSession;
  readonly pubacks: [delivery: number, reasonCode: number][];
  /** How often there was room again. */
  readonly writable: () => number;
  /** Sends texts, the first as delivery `first`, as far as there is credit; returns how many were. */
  send(first: number, ...texts: string[]): number;
}

function sender(options: Partial<SessionOptions> = {}): Sender {
  const scripted = new ScriptedSession({ subscriptions: [], ...options });
  const { outbound } = scripted.session;
  const pubacks: [number, number][] = [];
  const texts = new Map<number, string>();
  let writable = 0;
  const fill = (text: string, publish?: OutgoingPublish) =>
    outgoing({ topic: `topic/${text}`, payload: Buffer.from(text) }, publish);
  scripted.outgoing = {
    onPuback: (delivery, reasonCode) => {
      pubacks.push([delivery, reasonCode]);
      texts.delete(delivery);
    },
    onWritable: () => writable++,
    onResend: (delivery, publish) => {
      const text = texts.get(delivery);
      if (text === undefined) return false;
      fill(text, publish);
      return true;
    },
  };
  const send = (first: number, ...all: string[]) => {
    let sent = 0;
    for (; sent < all.length && outbound.credit > 0; sent++) {
      const text = all[sent] as string;
      texts.set(first + sent, text);
      outbound.publish(fill(text), first + sent);
    }
    outbound.flush();
    return sent;
  };
  return { scripted, pubacks, writable: () => writable, send };
}

function publishes(scripted: ScriptedSession): IPublishPacket[] {
  return scripted.socket.packets().filter((packet) => packet.cmd === 'publish');
}

/** `identifier payload`, with `!` for DUP. */
function brief(packets: readonly IPublishPacket[]): string[] {
  return packets.map(({ messageId, payload, dup }) => `${messageId} ${payload}${dup ? '!' : ''}`);
}

const puback = (scripted: ScriptedSession, messageId: number, reasonCode = 0) =>
  scripted.send({ cmd: 'puback', messageId, reasonCode });

t.test('before the CONNACK, and after the end, nothing can be sent', async (t) => {
  const { scripted, writable } = sender();
  const { outbound } = scripted.session;
  t.equal(outbound.credit, 0);
  scripted.open();
  t.notOk(outbound.writable);
  t.equal(writable(), 0);
  scripted.send({ cmd: 'connack', reasonCode: 0, sessionPresent: false });
  t.equal(outbound.credit, 65_534, 'identifiers below are for SUBSCRIBE and UNSUBSCRIBE');
  t.equal(writable(), 1);
  await scripted.cut();
  t.equal(outbound.credit, 0);
  t.notOk(outbound.writable);
});

t.test('a PUBACK comes back with the delivery and its reason code', async (t) => {
  const { scripted, pubacks, send } = sender();
  scripted.connect();
  send(10, 'a', 'b');
  send(-1, 'c');
  t.strictSame(brief(publishes(scripted)), ['2 a', '3 b', '4 c']);
  puback(scripted, 3, 0x10);
  puback(scripted, 4, 0x97);
  puback(scripted, 2);
  t.strictSame(pubacks, [
    [11, 0x10],
    [-1, 0x97],
    [10, 0],
  ]);
  t.equal(scripted.session.outbound.inFlight, 0);
});

t.test('never more than the Receive Maximum is unacknowledged', async (t) => {
  const { scripted, send, writable } = sender();
  scripted.connect({ properties: { receiveMaximum: 2 } });
  t.equal(send(0, 'a', 'b', 'c'), 2);
  t.equal(scripted.session.outbound.credit, 0);
  t.ok(scripted.session.outbound.writable, 'QoS 0 needs no credit');
  t.throws(() => scripted.session.outbound.publish(outgoing({}), 9), /Receive Maximum/);
  const before = writable();
  puback(scripted, 2);
  t.equal(writable(), before + 1);
  t.equal(scripted.session.outbound.credit, 1);
});

t.test('there is room again once a read, however many PUBACKs it brought', async (t) => {
  const { scripted, send, writable } = sender();
  scripted.connect();
  send(0, 'a', 'b', 'c');
  const before = writable();
  scripted.socket.send(
    Buffer.concat([2, 3, 4].map((packetId) => Buffer.from([0x40, 2, 0, packetId]))),
  );
  t.equal(writable(), before + 1);
});

t.test('what is sent when there is room again leaves with the batch', async (t) => {
  const { scripted, send } = sender();
  scripted.outgoing = { ...scripted.outgoing, onWritable: () => send(0, 'a') };
  scripted.connect();
  t.strictSame(brief(publishes(scripted)), ['2 a']);
});

t.test('a PUBACK for nothing is warned of once, and changes nothing', async (t) => {
  const { scripted, pubacks, send } = sender();
  scripted.connect();
  send(0, 'a');
  puback(scripted, 9);
  puback(scripted, 9);
  t.strictSame(pubacks, []);
  t.match(scripted.warnings, [/PUBACK for packet identifier 9, under which nothing is in flight/]);
  t.equal(scripted.warnings.length, 1);
  t.equal(scripted.session.state.kind, 'active');
});

t.test(
  'on a resumed session all is sent again with DUP, in order, before anything new',
  async (t) => {
    const { scripted, pubacks, send } = sender();
    scripted.connect();
    send(0, 'a', 'b', 'c', 'd');
    puback(scripted, 3);
    await scripted.cut();
    scripted.connect({ sessionPresent: true, properties: { receiveMaximum: 2 } });
    t.strictSame(brief(publishes(scripted)), ['2 a!', '4 c!']);
    t.notOk(scripted.session.outbound.writable, 'QoS 0 waits too');
    t.equal(send(9, 'e'), 0);
    puback(scripted, 2);
    t.strictSame(brief(publishes(scripted)), ['5 d!']);
    t.ok(scripted.session.outbound.writable);
    puback(scripted, 4);
    t.equal(send(9, 'e'), 1);
    t.strictSame(brief(publishes(scripted)), ['6 e']);
    t.strictSame(
      pubacks.map(([delivery]) => delivery),
      [1, 0, 2],
    );
  },
);

t.test('a late PUBACK for what is yet to be sent again counts', async (t) => {
  const { scripted, pubacks, send } = sender();
  scripted.connect();
  send(0, 'a', 'b');
  await scripted.cut();
  scripted.connect({ sessionPresent: true, properties: { receiveMaximum: 1 } });
  puback(scripted, 3);
  t.strictSame(pubacks, [[1, 0]]);
  puback(scripted, 2);
  t.strictSame(brief(publishes(scripted)), ['2 a!'], 'and is not sent');
});

t.test('on a lost session all is sent anew: other identifiers, no DUP, same order', async (t) => {
  const { scripted, send } = sender();
  scripted.connect();
  send(0, 'a', 'b', 'c');
  puback(scripted, 2);
  await scripted.cut();
  scripted.connect({ sessionPresent: false });
  t.strictSame(brief(publishes(scripted)), ['5 b', '6 c']);
  puback(scripted, 3);
  t.equal(scripted.session.outbound.inFlight, 2, 'an identifier of the lost session means nothing');
  await scripted.cut();
  scripted.connect({ sessionPresent: true });
  t.strictSame(brief(publishes(scripted)), ['5 b!', '6 c!']);
});

t.test('a session that was lost on a connection which came to nothing is lost', async (t) => {
  const publishing = [{ route: 'out', qos: 1 as const }];
  const { scripted, send } = sender({ publishing });
  scripted.connect();
  send(0, 'a');
  await scripted.cut();
  scripted.connect({ sessionPresent: false, properties: { maximumQoS: 0 } });
  t.match(scripted.session.state, { kind: 'waiting', refused: true });
  scripted.connect({ sessionPresent: true });
  t.strictSame(brief(publishes(scripted)), ['3 a']);
});

t.test('what is nobody’s any more is not sent again, and its identifier rests', async (t) => {
  const { scripted, pubacks, send } = sender();
  scripted.connect();
  send(0, 'a', 'b');
  await scripted.cut();
  const { onResend } = scripted.outgoing;
  scripted.outgoing = {
    ...scripted.outgoing,
    onResend: (delivery, publish) => delivery !== 0 && onResend(delivery, publish),
  };
  scripted.connect({ sessionPresent: true });
  t.strictSame(brief(publishes(scripted)), ['3 b!']);
  t.equal(scripted.session.outbound.inFlight, 1);
  puback(scripted, 2);
  t.strictSame(pubacks, []);
  t.strictSame(scripted.warnings, [], 'a late PUBACK for it is nothing to warn of');
});

t.test(
  'a connection that is ended while it is asked what to send again is left alone',
  async (t) => {
    const { scripted, send } = sender();
    scripted.connect();
    send(0, 'a');
    await scripted.cut();
    scripted.outgoing = {
      ...scripted.outgoing,
      onResend: () => {
        scripted.session.reconnect('the test says so');
        return true;
      },
    };
    scripted.connect({ sessionPresent: true });
    t.equal(scripted.session.state.kind, 'waiting');
    t.equal(scripted.session.outbound.inFlight, 1);
  },
);

t.test('no packet is larger than the Maximum Packet Size', async (t) => {
  const { scripted } = sender();
  scripted.connect({ properties: { maximumPacketSize: 60, topicAliasMaximum: 5 } });
  const { outbound } = scripted.session;
  const overhead = 2 + 2 + 'plant/line/1'.length + 2 + 1;
  const exact = outgoing({ payload: Buffer.alloc(60 - overhead) });
  t.ok(outbound.fits(exact));
  t.notOk(outbound.fits(outgoing({ payload: Buffer.alloc(61 - overhead) })));
  outbound.publish(exact, 0);
  outbound.publish(outgoing({ payload: Buffer.alloc(10) }), 1);
  outbound.flush();
  t.match(publishes(scripted), [{ length: 58, topic: 'plant/line/1' }, { topic: 'plant/line/1' }]);
});

t.test('what no longer fits after a reconnect comes back as too large', async (t) => {
  const { scripted, pubacks, send } = sender();
  scripted.connect();
  send(5, 'x'.repeat(200), 'b');
  await scripted.cut();
  scripted.connect({ sessionPresent: true, properties: { maximumPacketSize: 100 } });
  t.strictSame(pubacks, [[5, 0x95]]);
  t.strictSame(brief(publishes(scripted)), ['3 b!']);
});

t.test('topic aliases are those of the connection', async (t) => {
  const { scripted } = sender();
  const { outbound } = scripted.session;
  const topics = ['topic/a', 'topic/b', 'topic/a', 'topic/c', 'topic/a', 'topic/b'];
  for (const maximum of [2, 0, 65_535]) {
    scripted.connect({ properties: { topicAliasMaximum: maximum } });
    const aliases = new ServerAliases(maximum);
    for (const topic of topics) outbound.publish(outgoing({ qos: 0, topic }), 0);
    outbound.flush();
    const packets = publishes(scripted);
    t.strictSame(
      packets.map((packet) => aliases.topicOf(packet)),
      topics,
    );
    const named = packets.filter(({ topic }) => topic !== '').length;
    t.equal(
      named,
      new Map([
        [2, 5],
        [0, 6],
        [65_535, 3],
      ]).get(maximum),
    );
    await scripted.cut();
  }
});

t.test('nothing is sent while the socket is full, and goes on when it is empty', async (t) => {
  const { scripted, writable } = sender();
  scripted.connect();
  const { outbound } = scripted.session;
  scripted.socket.stalled = true;
  const publish = outgoing({ payload: Buffer.alloc(10_000) });
  let sent = 0;
  for (; outbound.credit > 0; sent++) outbound.publish(publish, sent);
  outbound.flush();
  t.equal(sent, Math.floor(UNSENT_BYTES_MAX / 10_019) + 1);
  t.notOk(outbound.writable);
  const before = writable();
  puback(scripted, 2);
  t.equal(writable(), before, 'a PUBACK alone makes no room');
  scripted.socket.take();
  t.equal(writable(), before + 1);
  t.ok(outbound.credit > 0);
});

t.test('what is sent again waits for a full socket too', async (t) => {
  const { scripted, send } = sender();
  scripted.connect();
  const texts = Array.from({ length: 100 }, (_, i) => `${i}/`.padEnd(15_000, 'x'));
  send(0, ...texts.slice(0, 60));
  send(60, ...texts.slice(60));
  await scripted.cut();
  scripted.dial();
  scripted.socket.stalled = true;
  scripted.socket.accept();
  scripted.send({ cmd: 'connack', reasonCode: 0, sessionPresent: true });
  const first = publishes(scripted).length;
  t.ok(first > 30 && first < 60, `${first} are sent`);
  scripted.socket.take();
  t.equal(publishes(scripted).length, Math.min(first, 100 - first));
});

t.test('a connection with a payload under way that is not ours ends without a word', async (t) => {
  const { scripted } = sender();
  scripted.connect();
  const { outbound } = scripted.session;
  scripted.socket.stalled = true;
  outbound.publish(outgoing({ payload: Buffer.alloc(20_000) }), 0);
  outbound.flush();
  t.ok(outbound.borrowing);
  scripted.session.stop('enough');
  t.notOk(outbound.borrowing);
  t.ok(scripted.socket.destroyed);
  t.equal(scripted.disconnectCode(), undefined);
});

t.test('a server without what a route publishes with is refused', async (t) => {
  const publishing = [{ route: 'out', qos: 1 as const }];
  const { scripted } = sender({ publishing });
  scripted.connect({ properties: { maximumQoS: 0 } });
  t.match(scripted.session.state, {
    kind: 'waiting',
    refused: true,
    reason: /Maximum QoS is 0, and out publishes with 1: set qos: 0/,
  });
});

t.test('a CONNACK with a limit of 0 is a Protocol Error', async (t) => {
  for (const properties of [{ receiveMaximum: 0 }, { maximumPacketSize: 0 }]) {
    const { scripted } = sender();
    scripted.connect({ properties });
    t.equal(scripted.disconnectCode(), 0x82);
    t.match(scripted.session.state, { kind: 'waiting', reason: /of 0/ });
  }
});
