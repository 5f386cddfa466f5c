import assert from 'node:assert/strict';
import t from 'tap';
import { LARGE_PAYLOAD_BYTES } from '../../src/config/limits.js';
import { ABSENT } from '../../src/mqtt/receive/publish.js';
import { encodePublish, pair, parts } from '../support/publish-packets.js';
import { forSeeds, type Random } from '../support/random.js';
import {
  openConnection,
  type Received,
  type ScriptedConnection,
} from '../support/scripted-connection.js';

/* Payloads that go to the slab while they are read. */

const LARGE = LARGE_PAYLOAD_BYTES + 1;

/** A payload of which every part is different from every other's. */
function payload(bytes: number, salt: number): Buffer {
  const filled = Buffer.alloc(bytes);
  for (let i = 0; i + 4 <= bytes; i += 4) filled.writeUInt32LE((i * 2_654_435_761 + salt) >>> 0, i);
  return filled;
}

const publish = (topic: string, bytes: number, packetId = 1) =>
  encodePublish(parts({ topic: Buffer.from(topic), payload: payload(bytes, packetId), packetId }));

function release(scripted: ScriptedConnection, { slabOffset }: Received): void {
  if (slabOffset !== ABSENT) scripted.slab.release(slabOffset);
}

t.test('a payload goes to the slab from one byte over the limit on', async (t) => {
  for (const [bytes, inSlab] of [
    [LARGE_PAYLOAD_BYTES, false],
    [LARGE, true],
  ] as const) {
    const scripted = openConnection();
    scripted.socket.send(publish('a', bytes));
    const received = scripted.received[0] as Received;
    t.equal(received.slabOffset !== ABSENT, inSlab, `${bytes} bytes`);
    t.ok(received.payload.equals(payload(bytes, 1)));
  }
});

t.test('long properties alone make no large payload', async (t) => {
  const scripted = openConnection();
  const properties = Array.from({ length: 4 }, () => pair('k', Buffer.alloc(60_000, 'v')));
  const bytes = payload(LARGE_PAYLOAD_BYTES - 1000, 3);
  scripted.socket.send(encodePublish(parts({ properties, payload: bytes })));
  t.match(scripted.received, [{ slabOffset: ABSENT }]);
  t.ok(scripted.received[0]?.payload.equals(bytes));
});

t.test('a large PUBLISH may be split anywhere, and what is around it is read too', async (t) => {
  const before = publish('before', 10, 1);
  const large = publish('large', LARGE, 2);
  const behind = Buffer.concat([Buffer.from([0xb0, 4, 0, 4, 0, 0x11]), publish('behind', 10, 3)]);
  const all = Buffer.concat([before, large, behind]);
  const headEnd = before.length + large.length - LARGE;
  const largeEnd = before.length + large.length;
  const around = (at: number) => Array.from({ length: 41 }, (_, i) => at - 20 + i);
  const splits = [before.length, headEnd, headEnd + 262_144, largeEnd].flatMap(around);
  for (const split of splits) {
    const scripted = openConnection();
    scripted.socket.send(all.subarray(0, split), all.subarray(split));
    assert.deepEqual(scripted.topics, ['before', 'large', 'behind'], `split before ${split}`);
    assert.ok(scripted.received[1]?.payload.equals(payload(LARGE, 2)), `split before ${split}`);
    assert.equal(scripted.received[1]?.packetBytes, large.length);
    assert.equal(scripted.packets.length, 1);
    release(scripted, scripted.received[1]);
    assert.equal(scripted.slab.takenBytes, 0);
  }
  t.pass(`${splits.length} ways`);
});

t.test('without room in the slab reading waits, and goes on where it stopped', async (t) => {
  const scripted = openConnection();
  const held = scripted.slab.reserve(scripted.slab.bytes.length);
  scripted.socket.send(publish('a', LARGE, 1), publish('b', 10, 2));
  t.strictSame(scripted.topics, []);
  t.ok(scripted.connection.paused);
  scripted.connection.resume();
  t.ok(scripted.connection.paused, 'still no room');
  scripted.slab.release(held);
  scripted.connection.resume();
  t.strictSame(scripted.topics, ['a', 'b']);
  t.ok(scripted.received[0]?.payload.equals(payload(LARGE, 1)));
});

t.test('a large PUBLISH that finds no credit is complete when it is offered again', async (t) => {
  const scripted = openConnection();
  let credit = false;
  scripted.hasCredit = () => credit;
  scripted.socket.send(publish('a', LARGE, 1), publish('b', LARGE, 2));
  t.ok(scripted.connection.paused);
  credit = true;
  scripted.connection.resume();
  t.strictSame(scripted.topics, ['a', 'b']);
  for (const [i, { payload: read }] of scripted.received.entries()) {
    t.ok(read.equals(payload(LARGE, i + 1)));
  }
});

t.test('a region is given back when the connection ends under it, and only then', async (t) => {
  const scripted = openConnection();
  const large = publish('a', 2_000_000, 1);
  scripted.socket.send(large.subarray(0, 300_000));
  t.ok(scripted.slab.takenBytes > 0);
  scripted.connection.disconnect(0, 'a producer was lost');
  t.ok(scripted.slab.takenBytes > 0, 'the kernel may still write to it');
  const other = scripted.slab.reserve(2_000_000);
  scripted.slab.bytes.fill(7, other, other + 2_000_000);
  scripted.socket.send(large.subarray(300_000, 900_000));
  t.ok(scripted.slab.bytes.subarray(other, other + 2_000_000).every((byte) => byte === 7));
  scripted.slab.release(other);
  t.equal(scripted.slab.takenBytes, 0, 'after the read that was under way it is free');
  scripted.socket.send(large.subarray(900_000));
  scripted.socket.close();
  t.equal(scripted.slab.takenBytes, 0);
});

t.test('a region is given back when the peer closes in the middle of a payload', async (t) => {
  for (const end of [300_000, 1_000_000]) {
    const scripted = openConnection();
    scripted.socket.send(publish('a', 2_000_000, 1).subarray(0, end));
    scripted.socket.close();
    t.equal(scripted.slab.takenBytes, 0);
    t.equal(scripted.closes, 1);
  }
});

t.test('a region is given back when whoever is offered the payload ends it', async (t) => {
  const scripted = openConnection();
  scripted.hasCredit = () => {
    scripted.connection.disconnect(0x82, 'not now');
    return false;
  };
  scripted.socket.send(publish('a', LARGE, 1));
  t.equal(scripted.slab.takenBytes, 0);
  scripted.socket.close();
  t.equal(scripted.slab.takenBytes, 0);
});

interface Sent {
  readonly topic: string;
  readonly payload: Buffer;
}

function randomPublishes(random: Random): Sent[] {
  const sizes = [0, 20, 5_000, 200_000, LARGE_PAYLOAD_BYTES, LARGE, 1_200_000, 1_999_999];
  return Array.from({ length: random.between(2, 8) }, (_, i) => ({
    topic: `t/${i}`,
    payload: payload(random.pick(sizes), random.below(2 ** 31)),
  }));
}

/** Cut at random: now and then byte by byte, mostly in what one read brings. */
function pieces(random: Random, bytes: Buffer): Buffer[] {
  const cut: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = random.pick([1, 2, 3, 17, 1_000, 65_536, 262_144, 262_144, 1_000_000]);
    const end = at + random.between(1, size);
    cut.push(bytes.subarray(at, end));
    at = end;
  }
  return cut;
}

t.test('any mix of sizes, splits, pauses and room arrives as it was sent', (t) =>
  forSeeds(t, 60, (random) => {
    const scripted = openConnection();
    const sent = randomPublishes(random);
    const bytes = Buffer.concat(
      sent.map(({ topic, payload }) =>
        encodePublish(parts({ topic: Buffer.from(topic), payload })),
      ),
    );
    const stinginess = random.pick([0, 0.3, 0.8]);
    scripted.hasCredit = () => !random.chance(stinginess);
    const held: Received[] = [];
    scripted.onTaken = (received) => held.push(received);
    for (const piece of pieces(random, bytes)) {
      scripted.socket.send(piece);
      for (let i = random.below(3); i > 0 && scripted.connection.paused; i--) {
        if (random.chance(0.5)) for (const each of held.splice(0)) release(scripted, each);
        scripted.connection.resume();
      }
    }
    for (let i = 0; i < 1_000 && scripted.connection.paused; i++) {
      for (const each of held.splice(0)) release(scripted, each);
      scripted.connection.resume();
    }
    assert.equal(scripted.closed, undefined);
    assert.deepEqual(
      scripted.topics,
      sent.map(({ topic }) => topic),
    );
    for (const [i, { payload }] of sent.entries()) {
      assert.ok(scripted.received[i]?.payload.equals(payload), `payload ${i}`);
    }
    for (const each of held) release(scripted, each);
    assert.equal(scripted.slab.takenBytes, 0);
  }),
);
