import assert from 'node:assert/strict';
import t from 'tap';
import { AliasScan } from '../../../src/mqtt/receive/alias-scan.js';
import {
  CONTENT_TYPE,
  CORRELATION_DATA,
  counted,
  EXPIRY,
  PAYLOAD_FORMAT,
  type PropertyPart,
  RESPONSE_TOPIC,
  SUBSCRIPTION_ID,
  TOPIC_ALIAS,
  USER_PROPERTY,
  u16,
  u32,
  varint,
} from '../../support/publish-packets.js';
import { forSeeds } from '../../support/random.js';

const user = (value: string): PropertyPart => [
  USER_PROPERTY,
  Buffer.concat([counted('#'.repeat(3)), counted(value)]),
];
const ALIAS: PropertyPart = [TOPIC_ALIAS, u16(0x0123)];
/** `#` is 0x23, the identifier of a Topic Alias: values are not to be taken for one. */
const OTHERS: readonly PropertyPart[] = [
  user('#'.repeat(300)),
  user(''),
  [EXPIRY, u32(0x23232323)],
  [PAYLOAD_FORMAT, Buffer.from([1])],
  [CONTENT_TYPE, counted('##')],
  [RESPONSE_TOPIC, counted('a#')],
  [CORRELATION_DATA, counted(Buffer.alloc(70, 0x23))],
  [SUBSCRIPTION_ID, varint(0x23 + 128 * 0x23)],
  [SUBSCRIPTION_ID, varint(0x23)],
];

function encode(properties: readonly PropertyPart[]): Buffer {
  return Buffer.concat(properties.flatMap(([id, value]) => [Buffer.from([id]), value]));
}

t.test('an alias is found anywhere among properties, however they are cut', (t) =>
  forSeeds(t, 300, (random) => {
    const some = Array.from({ length: random.below(12) }, () => random.pick(OTHERS));
    const has = random.chance(0.7);
    if (has) some.splice(random.below(some.length + 1), 0, ALIAS);
    const properties = encode(some);
    const before = random.below(5);
    // What comes behind the properties is the payload.
    const packet = Buffer.concat([Buffer.alloc(before, 0x23), properties, encode([ALIAS])]);
    const scan = new AliasScan(before, properties.length);
    for (let at = 0; at < packet.length; ) {
      const bytes = random.between(1, 90);
      scan.feed(packet.subarray(at, at + bytes));
      at += bytes;
    }
    assert.equal(scan.alias, has ? 0x0123 : 0);
  }),
);

t.test('behind what a PUBLISH cannot have nothing is found', async (t) => {
  const properties = Buffer.concat([Buffer.from([0x11]), u32(7), encode([ALIAS])]);
  const scan = new AliasScan(0, properties.length);
  scan.feed(properties);
  t.equal(scan.alias, 0);
});
