import assert from 'node:assert/strict';
import t from 'tap';
import { ORIGIN_PROPERTY } from '../../src/route/origin.js';
import type { RecordShape } from '../../src/route/to-kafka.js';
import {
  encodePublish,
  type PropertyPart,
  type PublishParts,
  pair,
  randomPublish,
  randomTopic,
} from '../support/publish-packets.js';
import { forSeeds, type Random } from '../support/random.js';
import { type PublishValues, readStrictly } from '../support/strict-publish.js';
import { shape, THROUGH, writeRecord } from '../support/written-record.js';

/* Random PUBLISHes against the property mapping, told a second time and plainly. */

function randomShape(random: Random): RecordShape {
  const strategy = random.below(3);
  return shape({
    routeIndex: random.below(100),
    keyIsTopic: strategy === 0,
    keyProperty: strategy === 1 ? Buffer.from(random.pick(['unit', 'a', '', 'é'])) : undefined,
    copyMqttProperties: random.chance(0.7),
    preserveTopic: random.chance(0.7),
    loopGuard: random.chance(0.7),
  });
}

function withTopic(random: Random, publish: PublishParts): PublishParts {
  return publish.topic.length > 0
    ? publish
    : { ...publish, topic: Buffer.from(randomTopic(random)) };
}

function expectedKey(record: RecordShape, values: PublishValues): string | undefined {
  if (record.keyIsTopic) return values.topic;
  if (record.keyProperty === undefined) return undefined;
  const name = Buffer.from(record.keyProperty).toString();
  return values.userProperties.find(([each]) => each === name)?.[1];
}

/** Values in hexadecimal digits, because Correlation Data is no text. */
function expectedHeaders(record: RecordShape, values: PublishValues): [string, string][] {
  const hex = (text: string) => Buffer.from(text).toString('hex');
  const topic: [string, string][] = record.preserveTopic ? [['Topic', hex(values.topic)]] : [];
  const origin = values.userProperties.find(([name]) => name === ORIGIN_PROPERTY)?.[1];
  const path = origin === undefined ? THROUGH : `${origin},${THROUGH}`;
  const millrace = (names: readonly string[]): [string, string] => [
    'Millrace',
    hex(`v=1;properties=${names.join(',')};path=${path}`),
  ];
  if (!record.copyMqttProperties) {
    const carries = record.loopGuard && origin !== undefined;
    return carries ? [...topic, millrace(topic.map(([name]) => name))] : topic;
  }
  const builtIn: [string, string | undefined][] = [
    ['Payload Format Indicator', values.payloadFormat?.toString()],
    ['Response Topic', values.responseTopic],
    ['Message Expiry Interval', values.expirySeconds === undefined ? undefined : ''],
    ['Correlation Data', values.correlationData],
    ['Content Type', values.contentType],
  ];
  const present = builtIn.flatMap(([name, value]): [string, string][] =>
    value === undefined ? [] : [[name, name === 'Correlation Data' ? value : hex(value)]],
  );
  const written = [...present, ...topic].map(([name]) => name);
  return [
    ...values.userProperties
      .filter(([name]) => name !== ORIGIN_PROPERTY)
      .map(([name, value]): [string, string] => [name, hex(value)]),
    ...present,
    ...topic,
    ['QoS', hex(values.qos.toString())],
    ['Retain', hex(values.retain ? '1' : '0')],
    millrace([...written, 'QoS', 'Retain']),
  ];
}

t.test('key, headers and payload are what the mapping says, in its order', (t) =>
  forSeeds(t, 6_000, (random) => {
    const base = withTopic(random, randomPublish(random));
    const origin = random.chance(0.2) ? [pair(ORIGIN_PROPERTY, 'a/b')] : [];
    const publish = { ...base, properties: random.shuffle([...base.properties, ...origin]) };
    const values = readStrictly(encodePublish(publish));
    assert.ok(typeof values !== 'string');
    const record = randomShape(random);
    const written = writeRecord(record, publish, { shift: random.below(8), deadlineMs: 5 });
    assert.equal(written.key, expectedKey(record, values));
    const headers = written.record.headers.map(([name, value]) => [
      name,
      Buffer.from(value).toString('hex'),
    ]);
    assert.deepEqual(headers, expectedHeaders(record, values));
    assert.equal(Buffer.from(written.record.payload).toString('hex'), values.payload);
    assert.equal(written.record.routeIndex, record.routeIndex);
  }),
);

/** Of several, so that the lane takes them all with the longest topic: HEADER_PART_BYTES_MAX. */
const HUGE_BYTES = 30_000;

/** Many tiny properties, or few huge ones: what a frame grows by is most different here. */
function extremeProperties(random: Random): PropertyPart[] {
  const count = random.pick([0, 1, 3, 200, 2_000]);
  const size =
    count > 100 ? random.below(4) : random.pick([0, 1, 1_000, count === 1 ? 65_535 : HUGE_BYTES]);
  const names = ['', 'k', ORIGIN_PROPERTY, 'unit', 'n'.repeat(size)];
  return Array.from({ length: count }, () => pair(random.pick(names), 'v'.repeat(size)));
}

t.test('no frame is longer than foretold, nor writes outside of its place', (t) =>
  forSeeds(t, 400, (random) => {
    const base = withTopic(random, randomPublish(random));
    const topic = random.chance(0.2) ? Buffer.alloc(random.between(1, 65_535), 't') : base.topic;
    const properties = random.shuffle([...base.properties, ...extremeProperties(random)]);
    const payload = random.bytes(random.pick([0, 1, 127, 128, 129, 5_000]));
    const through = 'x'.repeat(random.pick([3, 500]));
    const keyProperty = random.chance(0.5)
      ? Buffer.from(random.pick(['', 'k', 'unit']))
      : undefined;
    const record = { ...randomShape(random), through, keyProperty };
    // writeRecord fails where the frame is longer or another byte has changed.
    writeRecord(record, { ...base, topic, properties, payload }, { shift: random.below(8) });
  }),
);
