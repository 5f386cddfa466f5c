import { generate, type Packet } from 'mqtt-packet';
import t from 'tap';
import { HEADER_PART_BYTES_MAX } from '../../src/config/limits.js';
import { LINGER_MS } from '../../src/mqtt/connection.js';
import { ConnectionFault } from '../../src/mqtt/dial/connection-fault.js';
import { MALFORMED_PACKET, PACKET_TOO_LARGE } from '../../src/mqtt/reason-code.js';
import { encodePublish, pair, parts } from '../support/publish-packets.js';
import {
  MAXIMUM_PACKET_SIZE,
  openConnection,
  ScriptedConnection,
  WRITE_TIMEOUT_MS,
} from '../support/scripted-connection.js';
import { nextTurn } from '../support/scripted-socket.js';

const bytesOf = (packet: Packet) => generate(packet, { protocolVersion: 5 });
const publishTo = (topic: string, packetId = 1) =>
  encodePublish(parts({ topic: Buffer.from(topic), packetId }));

t.test(
  'control packets are handed on, PUBACK by itself and PINGRESP not, however split',
  async (t) => {
    const packets: Packet[] = [
      { cmd: 'connack', reasonCode: 0, sessionPresent: true, properties: { receiveMaximum: 7 } },
      { cmd: 'suback', messageId: 3, granted: [1], properties: { reasonString: 'fine' } },
      { cmd: 'unsuback', messageId: 4, granted: [0x11] },
      { cmd: 'pingresp' },
      { cmd: 'puback', messageId: 517, reasonCode: 0x10 },
      { cmd: 'pubrec', messageId: 6, reasonCode: 0 },
      { cmd: 'pubrel', messageId: 7, reasonCode: 0 },
      { cmd: 'pubcomp', messageId: 8, reasonCode: 0 },
      { cmd: 'auth', reasonCode: 0 },
      { cmd: 'disconnect', reasonCode: 0x8b, properties: { reasonString: 'going' } },
    ];
    const bytes = Buffer.concat(packets.map(bytesOf));
    for (let split = 0; split <= bytes.length; split++) {
      const scripted = openConnection();
      scripted.socket.send(bytes.subarray(0, split), bytes.subarray(split));
      const commands = scripted.packets.map(({ cmd }) => cmd);
      t.strictSame(
        commands,
        packets.map(({ cmd }) => cmd).filter((cmd) => cmd !== 'puback' && cmd !== 'pingresp'),
        `split before byte ${split}`,
      );
      t.strictSame(scripted.pubacks, [[517, 0x10]]);
    }
    const whole = openConnection();
    whole.socket.send(bytes);
    t.match(whole.packets[0], { sessionPresent: true, properties: { receiveMaximum: 7 } });
    t.match(whole.packets[1], { messageId: 3, granted: [1], properties: { reasonString: 'fine' } });
    t.match(whole.packets[7], { reasonCode: 0x8b, properties: { reasonString: 'going' } });
  },
);

t.test('what a control packet says stays as it is while more is read', async (t) => {
  const scripted = openConnection();
  const properties = { authenticationMethod: 'm', authenticationData: Buffer.from('secret') };
  scripted.socket.send(bytesOf({ cmd: 'auth', reasonCode: 0x18, properties }));
  scripted.socket.send(Buffer.concat(Array.from({ length: 100 }, (_, i) => publishTo(`a/${i}`))));
  t.match(scripted.packets[0], { properties: { authenticationData: Buffer.from('secret') } });
});

t.test('packets that mqtt-packet refuses end the connection with 0x81', async (t) => {
  const refused = {
    'CONNACK with reserved flags': [0x20, 3, 2, 0, 0],
    'SUBACK with an unknown reason code': [0x90, 4, 0, 1, 0, 0x55],
    'PINGRESP with flags': [0xd1, 0],
    'a type that there is not': [0x00, 0],
    'an unknown property': [0x20, 5, 0, 0, 2, 0x7f, 0],
  };
  for (const [name, bytes] of Object.entries(refused)) {
    const scripted = openConnection();
    scripted.socket.send(Buffer.from(bytes));
    t.match(scripted.closed, { reasonCode: MALFORMED_PACKET }, name);
    t.match(scripted.socket.packets(), [{ cmd: 'disconnect', reasonCode: MALFORMED_PACKET }], name);
    t.ok(scripted.socket.ended, name);
  }
});

t.test('a Remaining Length of five bytes, or longer than need be, is refused', async (t) => {
  for (const bytes of [
    [0xd0, 0x80, 0x80, 0x80, 0x80, 0x01],
    [0xd0, 0x80, 0x00],
  ]) {
    for (let split = 1; split < bytes.length; split++) {
      const scripted = openConnection();
      scripted.socket.send(Buffer.from(bytes.slice(0, split)), Buffer.from(bytes.slice(split)));
      t.match(scripted.closed, { reasonCode: MALFORMED_PACKET }, `split before byte ${split}`);
    }
  }
});

t.test('a packet over the Maximum Packet Size is refused by its first bytes', async (t) => {
  const scripted = openConnection();
  const bytes = encodePublish(parts({ payload: Buffer.alloc(MAXIMUM_PACKET_SIZE) }));
  scripted.socket.send(bytes.subarray(0, 5));
  t.match(scripted.closed, { reasonCode: PACKET_TOO_LARGE });
  t.equal(scripted.slab.takenBytes, 0);
  const exact = openConnection();
  const head = encodePublish(parts({ payload: Buffer.alloc(0) })).length + 3;
  const largest = encodePublish(parts({ payload: Buffer.alloc(MAXIMUM_PACKET_SIZE - head) }));
  t.equal(largest.length, MAXIMUM_PACKET_SIZE);
  exact.socket.send(largest);
  t.equal(exact.received.length, 1, 'one of exactly that size is read');
});

t.test('a control packet of unreasonable size is refused before it is there', async (t) => {
  const scripted = openConnection();
  const length = HEADER_PART_BYTES_MAX;
  const varint = [(length & 0x7f) | 0x80, ((length >> 7) & 0x7f) | 0x80, length >> 14];
  scripted.socket.send(Buffer.from([0x90, ...varint]));
  t.match(scripted.closed, { reasonCode: PACKET_TOO_LARGE });
});

t.test('topic name and properties are bounded, whatever the payload', async (t) => {
  const properties = Array.from({ length: 5 }, () => pair('k', Buffer.alloc(60_000, 'v')));
  for (const payloadBytes of [0, 500_000, 1_500_000]) {
    const scripted = openConnection();
    scripted.socket.send(encodePublish(parts({ properties, payload: Buffer.alloc(payloadBytes) })));
    t.equal(scripted.received.length, 0, `${payloadBytes} bytes of payload`);
    t.equal(scripted.left.length, 0, 'it is offered as one that is too long to be read');
    t.equal(scripted.connection.paused, true);
    t.equal(scripted.slab.takenBytes, 0);
  }
  const large = openConnection();
  const payload = Buffer.alloc(1_500_000);
  large.socket.send(encodePublish(parts({ properties: properties.slice(1), payload })));
  t.equal(large.received.length, 1, 'a little less is read');
});

t.test('a PUBLISH that the lane leaves is handed on whole, in its own memory', async (t) => {
  const scripted = openConnection();
  const bad = encodePublish(parts({ qos: 2 }));
  scripted.socket.send(Buffer.concat([publishTo('before'), bad, publishTo('behind')]));
  t.strictSame(scripted.topics, ['before'], 'nothing behind it is read');
  t.strictSame(Buffer.from(scripted.left[0] as Uint8Array), bad);
});

t.test('without credit reading stops, and the same PUBLISH is offered again', async (t) => {
  const scripted = openConnection();
  let credit = 1;
  scripted.hasCredit = () => credit-- > 0;
  scripted.socket.send(Buffer.concat(['a', 'b', 'c'].map((topic) => publishTo(topic))));
  t.strictSame(scripted.topics, ['a']);
  t.ok(scripted.connection.paused);
  t.ok(scripted.socket.paused);
  scripted.socket.send(publishTo('d'));
  t.ok(scripted.socket.unread > 0, 'what comes stays with the kernel');
  credit = 1;
  scripted.connection.resume();
  t.strictSame(scripted.topics, ['a', 'b']);
  t.ok(scripted.socket.paused);
  credit = 9;
  scripted.connection.resume();
  t.strictSame(scripted.topics, ['a', 'b', 'c', 'd']);
  t.notOk(scripted.connection.paused);
  t.equal(scripted.socket.unread, 0);
  t.equal(scripted.batches, 0, 'each batch that began has ended');
});

t.test('PUBACKs gather until they are flushed, in order, success without a reason', async (t) => {
  const { connection, socket } = openConnection();
  connection.puback(1, 0);
  connection.puback(258, 0x83);
  t.equal(socket.bytesWritten, 0);
  connection.flush();
  t.equal(socket.bytesWritten, 4 + 5);
  t.match(socket.packets(), [
    { cmd: 'puback', messageId: 1, reasonCode: 0 },
    { cmd: 'puback', messageId: 258, reasonCode: 0x83 },
  ]);
  connection.flush();
  t.equal(socket.bytesWritten, 9, 'nothing is written twice');
});

t.test('PUBACKs of one batch leave with its last packet', async (t) => {
  const scripted = openConnection();
  scripted.onTaken = ({ packetId }) => scripted.connection.puback(packetId, 0);
  scripted.socket.send(Buffer.concat([publishTo('a', 1), publishTo('b', 2)]));
  t.match(scripted.socket.packets(), [{ messageId: 1 }, { messageId: 2 }]);
});

t.test('PUBACKs leave before any packet that is sent after them', async (t) => {
  const { connection, socket } = openConnection();
  connection.puback(1, 0);
  connection.send({ cmd: 'pingreq' });
  connection.puback(2, 0);
  connection.disconnect(0, 'enough');
  const commands = socket.packets().map(({ cmd }) => cmd);
  t.strictSame(commands, ['puback', 'pingreq', 'puback', 'disconnect']);
});

t.test('more PUBACKs than the buffer holds are written in order', async (t) => {
  const { connection, socket } = openConnection();
  for (let id = 1; id <= 40_000; id++) connection.puback(id, id % 2 === 0 ? 0x80 : 0);
  connection.flush();
  const packets = socket.packets();
  t.equal(packets.length, 40_000);
  t.ok(packets.every((packet, i) => packet.messageId === i + 1));
});

t.test('nothing is written after the connection ended', async (t) => {
  const { connection, socket } = openConnection();
  connection.destroy('enough');
  connection.puback(1, 0);
  connection.flush();
  connection.send({ cmd: 'pingreq' });
  connection.disconnect(0, 'again');
  connection.resume();
  t.equal(socket.bytesWritten, 0);
});

t.test('why it ended is told once, by whoever was first', async (t) => {
  const byUs = openConnection();
  byUs.connection.disconnect(0x93, 'too much');
  byUs.socket.close();
  t.strictSame(byUs.closed, {
    reason: 'too much',
    reasonCode: 0x93,
    lossReason: undefined,
  });
  t.equal(byUs.closes, 1);
  const byPeer = openConnection();
  byPeer.socket.close();
  byPeer.connection.destroy('late');
  t.strictSame(byPeer.closed, {
    reason: 'the broker closed the connection',
    reasonCode: undefined,
    lossReason: 'closed',
  });
  t.equal(byPeer.closes, 1);
  const broken = openConnection();
  broken.socket.close(new ConnectionFault('network', 'read failed'));
  t.strictSame(broken.closed, {
    reason: 'read failed',
    reasonCode: undefined,
    lossReason: 'network',
  });
});

t.test('DISCONNECT may set the Session Expiry Interval', async (t) => {
  const { connection, socket } = openConnection();
  connection.disconnect(0, 'for good', { sessionExpiryInterval: 0 });
  t.match(socket.packets(), [{ cmd: 'disconnect', properties: { sessionExpiryInterval: 0 } }]);
});

t.test('what is given up before it is connected says nothing and opens no more', async (t) => {
  const scripted = new ScriptedConnection();
  scripted.connection.disconnect(0, 'changed our mind');
  t.equal(scripted.socket.bytesWritten, 0);
  t.ok(scripted.socket.destroyed);
  scripted.socket.options.onConnected();
  t.equal(scripted.opened, 0);
  t.equal(scripted.closes, 1);
});

t.test('a peer that does not close after DISCONNECT is cut off', async (t) => {
  const { connection, socket, clock } = openConnection();
  connection.disconnect(0, 'enough');
  clock.advance(LINGER_MS - 1);
  t.notOk(socket.destroyed);
  clock.advance(1);
  t.ok(socket.destroyed);
});

t.test('a peer that takes nothing for the write time-out is given up', async (t) => {
  const scripted = openConnection();
  scripted.socket.stalled = true;
  scripted.connection.send({ cmd: 'pingreq' });
  scripted.clock.advance(WRITE_TIMEOUT_MS - 1);
  t.equal(scripted.closed, undefined);
  scripted.clock.advance(1);
  t.match(scripted.closed, { reason: `the broker took nothing for ${WRITE_TIMEOUT_MS} ms` });
  t.ok(scripted.socket.destroyed);
});

t.test('a peer that takes a little each time is slow, not gone', async (t) => {
  const scripted = openConnection();
  scripted.socket.stalled = true;
  for (let i = 0; i < 10; i++) scripted.connection.send({ cmd: 'pingreq' });
  for (let i = 0; i < 3; i++) {
    scripted.socket.take(2);
    scripted.clock.advance(WRITE_TIMEOUT_MS);
  }
  t.equal(scripted.closed, undefined);
  scripted.socket.take();
  scripted.clock.advance(10 * WRITE_TIMEOUT_MS);
  t.equal(scripted.closed, undefined, 'with nothing to write there is nothing to wait for');
});

t.test('a closed connection leaves no timer behind', async (t) => {
  const scripted = openConnection();
  scripted.connection.keepAlive(10);
  scripted.socket.stalled = true;
  scripted.connection.send({ cmd: 'pingreq' });
  scripted.connection.disconnect(0, 'enough');
  scripted.socket.close();
  const written = scripted.socket.bytesWritten;
  scripted.clock.advance(1_000_000);
  await nextTurn();
  t.equal(scripted.socket.bytesWritten, written);
  t.equal(scripted.closes, 1);
});
