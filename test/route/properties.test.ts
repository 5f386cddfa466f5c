import assert from 'node:assert/strict';
import t from 'tap';
import { findUserProperty, valueText } from '../../src/route/properties.js';
import { publishOf, userPropertiesOf } from '../support/lane.js';
import { encodePublish, pair, parts, randomPublish } from '../support/publish-packets.js';
import { forSeeds } from '../support/random.js';
import { readStrictly } from '../support/strict-publish.js';

const utf8 = new TextEncoder();

t.test('the first user property of a name is found, by all of its bytes', async (t) => {
  const properties = [
    pair('ab', '1'),
    pair('a', '2'),
    pair('', '3'),
    pair('a', '4'),
    pair('é', ''),
  ];
  const publish = publishOf(encodePublish(parts({ properties })), 5);
  if (publish === undefined) throw new Error('a sound packet was left');
  const value = (name: string) => {
    const at = findUserProperty(publish, utf8.encode(name));
    return at < 0 ? undefined : valueText(publish.bytes, at);
  };
  t.equal(value('ab'), '1');
  t.equal(value('a'), '2');
  t.equal(value(''), '3');
  t.equal(value('é'), '');
  t.equal(value('abc'), undefined);
  t.equal(value('b'), undefined);
});

t.test('user properties are found among all others, wherever these stand', (t) =>
  forSeeds(t, 3_000, (random) => {
    const packet = encodePublish(randomPublish(random));
    const publish = publishOf(packet, random.below(8));
    const values = readStrictly(packet);
    assert.ok(publish !== undefined && typeof values !== 'string');
    assert.deepEqual(userPropertiesOf(publish), values.userProperties);
    for (const [name] of values.userProperties) {
      const at = findUserProperty(publish, utf8.encode(name));
      const first: string | undefined = values.userProperties.find(([each]) => each === name)?.[1];
      assert.equal(valueText(publish.bytes, at), first);
    }
    assert.equal(findUserProperty(publish, utf8.encode('absent')), -1);
  }),
);
