import t from 'tap';
import { MALFORMED_PACKET } from '../../../src/mqtt/reason-code.js';
import { PUBACK_LEFT, readPuback } from '../../../src/mqtt/send/puback-lane.js';
import { openConnection } from '../../support/scripted-connection.js';

function read(...packet: number[]): number {
  return readPuback(Uint8Array.from(packet), 0, 2, packet.length);
}

const text = (value: string) => [value.length >> 8, value.length & 0xff, ...Buffer.from(value)];

t.test('packet identifier and reason code are read, with and without properties', async (t) => {
  t.equal(read(0x40, 2, 0x12, 0x34), 0x123400);
  t.equal(read(0x40, 3, 0xff, 0xff, 0x97), 0xffff97);
  t.equal(read(0x40, 4, 0, 1, 0x10, 0), 0x110);
  const properties = [0x1f, ...text('full'), 0x26, ...text('a'), ...text(''), 0x26, 0, 0, 0, 0];
  t.equal(read(0x40, 4 + properties.length, 0, 1, 0x97, properties.length, ...properties), 0x197);
});

const FORBIDDEN: Readonly<Record<string, readonly number[]>> = {
  'reserved flags': [0x42, 2, 0, 1],
  'no packet identifier': [0x40, 0],
  'half a packet identifier': [0x40, 1, 0],
  'packet identifier 0': [0x40, 2, 0, 0],
  'a reason code of other packets': [0x40, 3, 0, 1, 0x92],
  'a Property Length of too few': [0x40, 7, 0, 1, 0, 0, 0x1f, 0, 0],
  'a Property Length of too many': [0x40, 7, 0, 1, 0, 4, 0x1f, 0, 0],
  'a Property Length without an end': [0x40, 4, 0, 1, 0, 0x80],
  'a Property Length longer than need be': [0x40, 5, 0, 1, 0, 0x80, 0],
  'a property of other packets': [0x40, 6, 0, 1, 0, 2, 0x01, 1],
  'two Reason Strings': [0x40, 10, 0, 1, 0, 6, 0x1f, 0, 0, 0x1f, 0, 0],
  'a Reason String that is cut off': [0x40, 7, 0, 1, 0, 3, 0x1f, 0, 1],
  'a Reason String that is no UTF-8': [0x40, 8, 0, 1, 0, 4, 0x1f, 0, 1, 0xff],
  'a User Property without a value': [0x40, 7, 0, 1, 0, 3, 0x26, 0, 0],
};

t.test('what MQTT 5 forbids is left, and ends the connection', async (t) => {
  for (const [name, packet] of Object.entries(FORBIDDEN)) {
    t.equal(read(...packet), PUBACK_LEFT, name);
    const scripted = openConnection();
    scripted.socket.send(Buffer.from(packet));
    t.match(scripted.closed, { reasonCode: MALFORMED_PACKET, reason: /malformed/ }, name);
    t.strictSame(scripted.pubacks, [], name);
  }
});
