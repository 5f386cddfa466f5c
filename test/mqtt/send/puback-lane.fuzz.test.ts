import assert from 'node:assert/strict';
import { generate, type IPubackPacket, parser } from 'mqtt-packet';
import t from 'tap';
import { MALFORMED_PACKET } from '../../../src/mqtt/reason-code.js';
import { PUBACK_LEFT, readPuback } from '../../../src/mqtt/send/puback-lane.js';
import { forSeeds, type Random } from '../../support/random.js';
import { openConnection } from '../../support/scripted-connection.js';

/* The lane of PUBACKs against mqtt-packet: sound ones, spoiled ones, cut anywhere. */

const CODES = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99];

function randomPuback(random: Random): Buffer {
  const packetId = random.between(1, 65_535);
  const head = [0x40, 2, packetId >> 8, packetId & 0xff];
  const reasonCode = random.pick(CODES);
  switch (random.below(4)) {
    case 0:
      return Buffer.from(head);
    case 1:
      return Buffer.from([0x40, 3, ...head.slice(2), reasonCode]);
    case 2:
      return Buffer.from([0x40, 4, ...head.slice(2), reasonCode, 0]);
    default: {
      const properties = {
        ...(random.chance(0.7) && { reasonString: 'r'.repeat(random.between(0, 130)) }),
        ...(random.chance(0.7) && { userProperties: { a: 'b', ü: ['1', '2'] } }),
      };
      const packet = { cmd: 'puback', messageId: packetId, reasonCode, properties } as const;
      return generate(packet, { protocolVersion: 5 });
    }
  }
}

/** A PUBACK with something wrong with it, or not: its fixed header still says how long it is. */
function spoil(random: Random, sound: Buffer): Buffer {
  const headBytes = (sound[1] as number) >= 0x80 ? 3 : 2;
  let body = sound.subarray(headBytes);
  if (random.chance(0.4)) body = body.subarray(0, random.below(body.length + 1));
  if (random.chance(0.3)) body = Buffer.concat([body, random.bytes(random.between(1, 6))]);
  body = Buffer.from(body);
  if (random.chance(0.7) && body.length > 0) body[random.below(body.length)] = random.below(256);
  const flags = random.chance(0.1) ? random.below(16) : 0;
  const length = body.length < 0x80 ? [body.length] : [(body.length & 0x7f) | 0x80, 1];
  return Buffer.concat([Buffer.from([0x40 | flags, ...length]), body]);
}

function readByMqttPacket(packet: Buffer): IPubackPacket | undefined {
  let found: IPubackPacket | undefined;
  let failed = false;
  const reader = parser({ protocolVersion: 5 });
  reader.on('packet', (each) => {
    if (each.cmd === 'puback') found = each;
  });
  reader.on('error', () => {
    failed = true;
  });
  reader.parse(packet);
  return failed ? undefined : found;
}

/** What a connection makes of it; undefined: it ends. */
function readByConnection(...pieces: Buffer[]): [number, number] | undefined {
  const scripted = openConnection();
  scripted.socket.send(...pieces);
  if (scripted.closed !== undefined) {
    assert.equal(scripted.closed.reasonCode, MALFORMED_PACKET);
    assert.deepEqual(scripted.pubacks, []);
    return undefined;
  }
  assert.equal(scripted.pubacks.length, 1, 'it is told once');
  return scripted.pubacks[0];
}

t.test('a sound PUBACK is read as mqtt-packet reads it, split before any byte', (t) =>
  forSeeds(t, 20, (random) => {
    const packet = randomPuback(random);
    const theirs = readByMqttPacket(packet);
    assert.ok(theirs !== undefined);
    for (let split = 0; split < packet.length; split++) {
      const ours = readByConnection(packet.subarray(0, split), packet.subarray(split));
      assert.deepEqual(ours, [theirs.messageId, theirs.reasonCode]);
    }
  }),
);

t.test('of spoiled ones none is read that mqtt-packet refuses or reads otherwise', async (t) => {
  let sound = 0;
  let left = 0;
  await forSeeds(t, 20_000, (random) => {
    const packet = spoil(random, randomPuback(random));
    const read = readPuback(packet, 0, (packet[1] as number) >= 0x80 ? 3 : 2, packet.length);
    const ours = read === PUBACK_LEFT ? undefined : [read >> 8, read & 0xff];
    // A connection takes megabytes, so not each packet gets one.
    if (random.chance(0.02)) assert.deepEqual(readByConnection(packet), ours);
    if (ours === undefined) {
      left++;
      return;
    }
    sound++;
    const theirs = readByMqttPacket(packet);
    assert.ok(theirs !== undefined, 'the lane reads what mqtt-packet refuses');
    assert.deepEqual(ours, [theirs.messageId, theirs.reasonCode]);
  });
  t.ok(sound > 2_000, `${sound} are still sound`);
  t.ok(left > 5_000, `${left} are not`);
});
