import assert from 'node:assert/strict';
import t from 'tap';
import { ALIAS_KNOWN } from '../../../src/mqtt/send/outgoing-aliases.js';
import {
  COPIED_PAYLOAD_BYTES_MAX,
  type OutgoingPublish,
} from '../../../src/mqtt/send/outgoing-publish.js';
import { Output } from '../../../src/mqtt/send/output.js';
import { publishBytes, writePublish } from '../../../src/mqtt/send/publish-writer.js';
import { outgoing, publishesIn } from '../../support/outgoing.js';
import { forSeeds, type Random } from '../../support/random.js';
import { readStrictly } from '../../support/strict-publish.js';

function written(publish: OutgoingPublish, packetId = 7, dup = false, alias = 0): Buffer[] {
  const writes: Buffer[] = [];
  const output = new Output(
    (bytes) => writes.push(Buffer.from(bytes)),
    () => 0,
  );
  writePublish(output, publish, packetId, dup, alias);
  output.flush();
  return writes;
}

/** Some User Properties, encoded. */
function randomProperties(random: Random, count: number): Buffer {
  const properties: Buffer[] = [];
  for (let i = 0; i < count; i++) {
    const value = 'v'.repeat(random.below(100));
    properties.push(Buffer.from([0x26, 0, 1, 0x6b, 0, value.length]), Buffer.from(value));
  }
  return Buffer.concat(properties);
}

/** Memory that threads share, with `content` at `start`. */
function shared(content: Uint8Array, start: number): Uint8Array {
  const bytes = new Uint8Array(new SharedArrayBuffer(start + content.length + 8));
  bytes.set(content, start);
  return bytes;
}

t.test('a PUBLISH is written as a strict reader reads it, wherever its parts lie', (t) =>
  forSeeds(t, 1_500, (random) => {
    const payload = random.bytes(random.below(random.chance(0.1) ? 20_000 : 300));
    const count = random.below(4);
    const properties = randomProperties(random, count);
    const publish = outgoing({
      qos: random.chance(0.7) ? 1 : 0,
      retain: random.chance(0.2),
      topic: 'topic/'.repeat(random.between(1, 8)),
    });
    publish.propertiesStart = random.below(9);
    publish.properties = Buffer.concat([Buffer.alloc(publish.propertiesStart, 9), properties]);
    publish.propertiesBytes = properties.length;
    publish.payloadStart = random.below(17);
    publish.payload = shared(payload, publish.payloadStart);
    publish.payloadBytes = payload.length;
    const dup = publish.qos === 1 && random.chance(0.5);
    const alias = random.pick([0, 1, 0xffff, 0x1234 | ALIAS_KNOWN]);
    const packet = Buffer.concat(written(publish, publish.qos * 0xabcd, dup, alias));
    const read = readStrictly(packet);
    assert.ok(typeof read !== 'string', `${read}`);
    assert.deepEqual(
      { ...read, userProperties: read.userProperties.length },
      {
        ...read,
        qos: publish.qos,
        dup,
        retain: publish.retain,
        packetId: publish.qos * 0xabcd,
        topic: alias >= ALIAS_KNOWN ? '' : publish.topic?.name,
        topicAlias: alias === 0 ? undefined : alias & 0xffff,
        userProperties: count,
        payload: payload.toString('hex'),
      },
    );
    if (alias === 0) assert.equal(publishBytes(publish), packet.length);
  }),
);

t.test('many PUBLISHes are one write', async (t) => {
  const writes: Buffer[] = [];
  const output = new Output(
    (bytes) => writes.push(Buffer.from(bytes)),
    () => 0,
  );
  for (let id = 1; id <= 100; id++) {
    writePublish(output, outgoing({ payload: Buffer.from(`${id}`) }), id, false, 0);
  }
  output.flush();
  t.equal(writes.length, 1);
  const ids = publishesIn(writes[0] as Buffer).map(({ messageId }) => messageId);
  t.strictSame(
    ids,
    Array.from({ length: 100 }, (_, i) => i + 1),
  );
});

t.test('a large payload at QoS 1 is written from where it lies', async (t) => {
  const payload = new Uint8Array(new SharedArrayBuffer(COPIED_PAYLOAD_BYTES_MAX + 1)).fill(5);
  const writes: Uint8Array[] = [];
  const output = new Output(
    (bytes) => writes.push(bytes),
    () => writes.reduce((sum, { length }) => sum + length, 0),
  );
  writePublish(output, outgoing({ payload }), 1, false, 0);
  t.equal(writes.length, 2);
  t.equal(writes[1]?.buffer, payload.buffer);
  writePublish(output, outgoing({ payload: payload.subarray(1) }), 2, false, 0);
  output.flush();
  t.equal(writes.length, 3, 'one of as many bytes as are copied is not');
  const [first, second] = publishesIn(Buffer.concat(writes));
  t.equal(first?.payload.length, COPIED_PAYLOAD_BYTES_MAX + 1);
  t.equal(second?.payload.length, COPIED_PAYLOAD_BYTES_MAX);
});

t.test('at QoS 0 the memory is the caller’s again at once', async (t) => {
  for (const bytes of [100, COPIED_PAYLOAD_BYTES_MAX + 100]) {
    const writes: Uint8Array[] = [];
    const output = new Output(
      (bytes) => writes.push(bytes),
      () => 0,
    );
    const payload = shared(Buffer.alloc(bytes, 1), 3);
    const publish = outgoing({ qos: 0, payload: payload.subarray(3, 3 + bytes) });
    writePublish(output, publish, 0, false, 0);
    payload.fill(2);
    output.flush();
    const [packet] = publishesIn(Buffer.concat(writes));
    t.ok(Buffer.alloc(bytes, 1).equals(packet?.payload as Buffer), `${bytes} bytes`);
  }
});

t.test('what no packet has room for has no size', async (t) => {
  const publish = outgoing({});
  const overhead = publishBytes(publish) - 2;
  publish.payloadBytes = 268_435_455 - overhead;
  t.equal(publishBytes(publish), 268_435_455 + 5);
  publish.payloadBytes++;
  t.equal(publishBytes(publish), Number.POSITIVE_INFINITY);
});
