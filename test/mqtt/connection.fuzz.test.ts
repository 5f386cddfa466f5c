import assert from 'node:assert/strict';
import { generate, type Packet } from 'mqtt-packet';
import t from 'tap';
import { encodePublish, randomPublish, spoil } from '../support/publish-packets.js';
import { forSeeds, type Random } from '../support/random.js';
import { openConnection, type ScriptedConnection } from '../support/scripted-connection.js';
import { type PublishValues, readStrictly } from '../support/strict-publish.js';

/* Streams of packets through a connection, cut anywhere and spoiled anyhow. */

const CONTROL: readonly Packet[] = [
  { cmd: 'connack', reasonCode: 0, sessionPresent: true, properties: { receiveMaximum: 7 } },
  { cmd: 'suback', messageId: 3, granted: [1], properties: { reasonString: 'fine' } },
  { cmd: 'unsuback', messageId: 4, granted: [0x11, 0] },
  { cmd: 'puback', messageId: 5, reasonCode: 0x10, properties: { reasonString: 'none' } },
  { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod: 'm' } },
  { cmd: 'disconnect', reasonCode: 0x8b, properties: { reasonString: 'going' } },
];

interface Stream {
  readonly bytes: Buffer;
  readonly publishes: readonly PublishValues[];
  readonly commands: readonly string[];
}

function randomStream(random: Random, packets: number): Stream {
  const chunks: Buffer[] = [];
  const publishes: PublishValues[] = [];
  const commands: string[] = [];
  for (let i = 0; i < packets; i++) {
    if (random.chance(0.3)) {
      const packet = random.pick(CONTROL);
      commands.push(packet.cmd);
      chunks.push(generate(packet, { protocolVersion: 5 }));
      continue;
    }
    const packet = encodePublish(randomPublish(random));
    const values = readStrictly(packet);
    assert.ok(typeof values !== 'string');
    publishes.push(values);
    chunks.push(packet);
  }
  return { bytes: Buffer.concat(chunks), publishes, commands };
}

function check(scripted: ScriptedConnection, { publishes, commands }: Stream): void {
  assert.equal(scripted.closed, undefined);
  assert.deepEqual(
    scripted.received.map(({ topic, packetId, payload }) => ({
      topic,
      packetId,
      payload: payload.toString('hex'),
    })),
    publishes.map(({ topic, packetId, payload }) => ({ topic, packetId, payload })),
  );
  assert.deepEqual(
    scripted.packets.map(({ cmd }) => cmd),
    commands.filter((command) => command !== 'puback'),
  );
  assert.deepEqual(
    scripted.pubacks,
    commands.filter((command) => command === 'puback').map(() => [5, 0x10]),
  );
}

t.test('a stream that is cut at any one byte is read as if it were whole', (t) =>
  forSeeds(t, 3, (random) => {
    const stream = randomStream(random, 4);
    for (let split = 0; split <= stream.bytes.length; split++) {
      const scripted = openConnection();
      scripted.socket.send(stream.bytes.subarray(0, split), stream.bytes.subarray(split));
      check(scripted, stream);
    }
  }),
);

t.test('a stream that comes byte by byte is read as if it were whole', (t) =>
  forSeeds(t, 40, (random) => {
    const stream = randomStream(random, 12);
    const scripted = openConnection();
    scripted.socket.send(...Array.from(stream.bytes, (byte) => Buffer.from([byte])));
    check(scripted, stream);
  }),
);

t.test('a stream with pauses in it is read as if there were none', (t) =>
  forSeeds(t, 60, (random) => {
    const stream = randomStream(random, 30);
    const scripted = openConnection();
    scripted.hasCredit = () => random.chance(0.5);
    for (let at = 0; at < stream.bytes.length; ) {
      const end = at + random.between(1, 60);
      scripted.socket.send(stream.bytes.subarray(at, end));
      at = end;
      if (random.chance(0.7)) scripted.connection.resume();
    }
    while (scripted.connection.paused) scripted.connection.resume();
    check(scripted, stream);
  }),
);

/** What a broken or hostile peer may send. */
function garbage(random: Random): Buffer {
  switch (random.below(4)) {
    case 0:
      return random.bytes(random.between(1, 40));
    case 1:
      return spoil(random, randomPublish(random));
    case 2: {
      const packet = Buffer.from(generate(random.pick(CONTROL), { protocolVersion: 5 }));
      packet[random.below(packet.length)] = random.below(256);
      return packet;
    }
    default:
      return encodePublish(randomPublish(random));
  }
}

t.test(
  'whatever comes, nothing is thrown, and an end has a reason and frees the slab',
  async (t) => {
    let ended = 0;
    await forSeeds(t, 1_500, (random) => {
      const scripted = openConnection();
      for (let i = random.between(1, 20); i > 0; i--) scripted.socket.send(garbage(random));
      if (scripted.closed !== undefined) {
        ended++;
        assert.notEqual(scripted.closed.reason, '');
        assert.equal(scripted.closes, 1);
        assert.ok(scripted.socket.ended || scripted.socket.destroyed);
      }
      scripted.socket.close();
      assert.equal(scripted.slab.takenBytes, 0);
      assert.equal(scripted.batches, 0, 'every batch that began has ended');
    });
    t.ok(ended > 500, `${ended} were ended by us`);
  },
);
