import assert from 'node:assert/strict';
import t from 'tap';
import { hop, ORIGIN_PROPERTY } from '../../src/route/origin.js';
import { EXPIRED, LOOPED } from '../../src/route/to-mqtt.js';
import { kafkaRecord } from '../support/kafka-record.js';
import { mapped, PUBLISHED_THROUGH, writerOf } from '../support/mapped-record.js';
import {
  encodePublish,
  type PublishParts,
  pair,
  randomPublish,
  randomTopic,
} from '../support/publish-packets.js';
import { forSeeds, type Random } from '../support/random.js';
import { type PublishValues, readStrictly } from '../support/strict-publish.js';
import { shape, THROUGH, writeRecord } from '../support/written-record.js';

/* MQTT -> Kafka -> MQTT, each way by its own code, and read by a reader that shares nothing with them. */

/** Names that records give to what is none of the user's. */
const NAMES = [
  'Payload Format Indicator',
  'Response Topic',
  'Message Expiry Interval',
  'Correlation Data',
  'Content Type',
  'Topic',
  'QoS',
  'Retain',
  'Millrace',
  'Key',
  'Timestamp',
] as const;
const VALUES = ['', '0', '1', '60', 'a/b', '+', 'v=1;properties=Topic;path=a/b', 'é'] as const;

function publishOf(random: Random): PublishParts {
  const base = randomPublish(random);
  const topic = base.topic.length > 0 ? base.topic : Buffer.from(randomTopic(random));
  const own = Array.from({ length: random.below(4) }, () =>
    pair(random.pick(NAMES), random.pick(VALUES)),
  );
  const path = [hop('x', 'y'), hop('é', 'a/b'), 'no hop'][random.below(9)];
  const origin = path === undefined ? [] : [pair(ORIGIN_PROPERTY, path)];
  const properties = random.shuffle([...base.properties, ...own, ...origin]);
  return { ...base, topic, properties };
}

interface Trip {
  readonly keyIsTopic: boolean;
  readonly preserveTopic: boolean;
  readonly timestampMs: number;
}

/** The record as a consumer gets it: what the addon computes is in it. */
function throughKafka(
  random: Random,
  publish: PublishParts,
  expiry: number | undefined,
  trip: Trip,
) {
  const { keyIsTopic, preserveTopic, timestampMs } = trip;
  const written = writeRecord(shape({ keyIsTopic, preserveTopic }), publish, {
    shift: random.below(8),
  });
  const { key, headers, payload } = written.record;
  // The addon writes the last header of this name, in the place where the frame has an empty one.
  const computedAt = written.computed.length === 0 ? -1 : lastOf(headers, written.computed[0]);
  return kafkaRecord({
    key,
    headers: headers.map(([name, value], i) => [name, i === computedAt ? String(expiry) : value]),
    payload,
    timestampMs,
  });
}

function lastOf(headers: readonly (readonly [string, Uint8Array])[], name: string | undefined) {
  return headers.findLastIndex(([each]) => each === name);
}

function expectedOrigin(values: PublishValues): string {
  const path = values.userProperties.find(([name]) => name === ORIGIN_PROPERTY)?.[1];
  const before = path === undefined || path === 'no hop' ? '' : `${path},`;
  return `${before}${THROUGH},${PUBLISHED_THROUGH}`;
}

t.test('a message comes back as it was, with an expiry that fell and one path', (t) =>
  forSeeds(t, 6_000, (random) => {
    const publish = publishOf(random);
    const before = readStrictly(encodePublish(publish));
    assert.ok(typeof before !== 'string', String(before));
    const timestampMs = 1_764_200_000_000 + random.below(2_000);
    const ageMs = random.pick([0, 1, 999, 1_000, 59_000, 59_999, 2 ** 31]);
    const trip = {
      keyIsTopic: random.chance(0.5),
      preserveTopic: random.chance(0.7),
      timestampMs,
    };
    const { expirySeconds } = before;
    const record = throughKafka(random, publish, expirySeconds, trip);
    const writer = writerOf();
    const left = (expirySeconds ?? Number.POSITIVE_INFINITY) * 1_000 - ageMs;
    if (left <= 0) {
      assert.equal(writer.write(record, timestampMs + ageMs), EXPIRED);
      return;
    }
    const after = mapped(writer, record, timestampMs + ageMs);
    const expiry = expirySeconds === undefined ? undefined : Math.ceil(left / 1_000);
    const { dup: _, packetId: __, topicAlias: ___, subscriptionIds: ____, ...kept } = before;
    assert.deepEqual(after, {
      ...after,
      ...kept,
      qos: after.qos,
      topic: after.topic,
      expirySeconds: expiry,
      leftOut: 0,
      userProperties: [
        ...before.userProperties.filter(([name]) => name !== ORIGIN_PROPERTY),
        [ORIGIN_PROPERTY, expectedOrigin(before)],
      ],
    });
  }),
);

t.test('what has come back is stopped when it comes a second time', (t) =>
  forSeeds(t, 500, (random) => {
    const copyMqttProperties = random.chance(0.5);
    const record = shape({ copyMqttProperties, preserveTopic: random.chance(0.5) });
    const writer = writerOf({ copyMqttProperties: random.chance(0.5) });
    let publish: PublishParts = { ...publishOf(random), properties: [] };
    const kafka = () => {
      const { headers } = writeRecord(record, publish);
      return kafkaRecord({ headers });
    };
    const { userProperties } = mapped(writer, kafka());
    publish = { ...publish, properties: userProperties.map(([name, value]) => pair(name, value)) };
    assert.equal(writer.write(kafka(), 0), LOOPED);
  }),
);
