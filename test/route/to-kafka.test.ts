import t from 'tap';
import { FLAG_EXPIRES, FLAG_PAYLOAD_IN_SLAB } from '../../src/channel/frame.js';
import { TOPIC_CACHED_BYTES_MAX } from '../../src/config/limits.js';
import { hop, ORIGIN_PROPERTY } from '../../src/route/origin.js';
import { deadlineOf, loops, planRecords, type RecordShape } from '../../src/route/to-kafka.js';
import { publishOf } from '../support/lane.js';
import {
  CONTENT_TYPE,
  CORRELATION_DATA,
  counted,
  EXPIRY,
  encodePublish,
  PAYLOAD_FORMAT,
  pair,
  parts,
  RESPONSE_TOPIC,
  subscriptionId,
  TOPIC_ALIAS,
  u16,
  u32,
} from '../support/publish-packets.js';
import { shape, THROUGH, writeRecord } from '../support/written-record.js';

/* PUBLISH -> record, as the project's property mapping has it. */

const everything = parts({
  retain: true,
  properties: [
    pair('site', 'a'),
    [CONTENT_TYPE, counted('text/plain')],
    [CORRELATION_DATA, counted(Buffer.from([0, 0xff, 0xc3, 0x28]))],
    pair('unit', '°C'),
    [EXPIRY, u32(60)],
    [PAYLOAD_FORMAT, Buffer.from([1])],
    [TOPIC_ALIAS, u16(1)],
    pair('site', 'b'),
    [RESPONSE_TOPIC, counted('answers/1')],
    subscriptionId(9),
  ],
});

t.test('user properties in order, then the built-in ones, then where it came from', async (t) => {
  const { headers } = writeRecord(shape(), everything);
  const names = 'Payload Format Indicator,Response Topic,Message Expiry Interval,Correlation Data';
  t.strictSame(
    headers.filter(([name]) => name !== 'Correlation Data'),
    [
      ['site', 'a'],
      ['unit', '°C'],
      ['site', 'b'],
      ['Payload Format Indicator', '1'],
      ['Response Topic', 'answers/1'],
      ['Message Expiry Interval', ''],
      ['Content Type', 'text/plain'],
      ['Topic', 'plant/1/temperature'],
      ['QoS', '1'],
      ['Retain', '1'],
      ['Millrace', `v=1;properties=${names},Content Type,Topic,QoS,Retain;path=${THROUGH}`],
    ],
  );
});

t.test('Correlation Data are the raw bytes', async (t) => {
  const { record } = writeRecord(shape(), everything);
  const [, value] = record.headers.find(([name]) => name === 'Correlation Data') ?? [];
  t.strictSame(value, Uint8Array.of(0, 0xff, 0xc3, 0x28));
});

t.test(
  'Topic Alias and Subscription Identifier are of the connection and not copied',
  async (t) => {
    const { headers } = writeRecord(
      shape(),
      parts({ properties: [[TOPIC_ALIAS, u16(1)], subscriptionId(9)] }),
    );
    t.strictSame(
      headers.map(([name]) => name),
      ['Topic', 'QoS', 'Retain', 'Millrace'],
    );
  },
);

t.test('the seconds that remain are left to the addon, with the time it ends', async (t) => {
  const deadlineMs = 2 ** 40 + 12_345.75;
  const written = writeRecord(shape(), everything, { deadlineMs });
  t.strictSame(written.computed, ['Message Expiry Interval']);
  t.equal(written.flags & FLAG_EXPIRES, FLAG_EXPIRES);
  t.equal(written.deadlineMs, Math.floor(deadlineMs));
  const publish = publishOf(encodePublish(everything));
  t.equal(publish && deadlineOf(publish, 1_000), 61_000);
  const bare = writeRecord(shape({ copyMqttProperties: false }), everything, { deadlineMs });
  t.equal(bare.flags & FLAG_EXPIRES, FLAG_EXPIRES, 'it expires without the header too');
  t.strictSame(bare.computed, []);
  t.equal(writeRecord(shape(), parts()).flags, 0, 'what has no expiry never ends');
});

t.test('the longest expiry keeps its value', async (t) => {
  const publish = publishOf(encodePublish(parts({ properties: [[EXPIRY, u32(2 ** 32 - 1)]] })));
  t.equal(publish && deadlineOf(publish, 0), (2 ** 32 - 1) * 1_000);
});

t.test('a user property with a built-in name is sent too, the built-in one last', async (t) => {
  const { headers } = writeRecord(
    shape(),
    parts({
      properties: [
        [CONTENT_TYPE, counted('built-in')],
        pair('Content Type', 'mine'),
        pair('Topic', 'mine'),
        pair('QoS', 'mine'),
        pair('Millrace', 'mine'),
      ],
    }),
  );
  const values = (name: string) => headers.filter(([each]) => each === name).map(([, it]) => it);
  t.strictSame(values('Content Type'), ['mine', 'built-in']);
  t.strictSame(values('Topic'), ['mine', 'plant/1/temperature']);
  t.strictSame(values('QoS'), ['mine', '1']);
  t.equal(values('Millrace').length, 2);
  t.match(values('Millrace')[1], /^v=1;/);
});

t.test('QoS and RETAIN are those of the PUBLISH', async (t) => {
  const { headers } = writeRecord(shape(), parts({ qos: 0 }));
  t.strictSame(headers.slice(1, 3), [
    ['QoS', '0'],
    ['Retain', '0'],
  ]);
});

t.test(
  'without copyMqttProperties only the topic is a header; without preserveTopic none',
  async (t) => {
    const only = writeRecord(shape({ copyMqttProperties: false }), everything);
    t.strictSame(only.headers, [['Topic', 'plant/1/temperature']]);
    const none = shape({ copyMqttProperties: false, preserveTopic: false });
    t.strictSame(writeRecord(none, everything).headers, []);
    const copied = writeRecord(shape({ preserveTopic: false }), parts());
    t.strictSame(
      copied.headers.map(([name]) => name),
      ['QoS', 'Retain', 'Millrace'],
    );
    t.strictSame(copied.headers[2]?.[1], `v=1;properties=QoS,Retain;path=${THROUGH}`);
  },
);

t.test('the header Millrace goes on with the path that the message came by', async (t) => {
  const origin = (value: string) =>
    writeRecord(shape(), parts({ properties: [pair(ORIGIN_PROPERTY, value), pair('a', 'b')] }));
  const path = (value: string) => origin(value).headers.at(-1)?.[1]?.split(';path=')[1];
  t.equal(path(hop('other', 'r')), `other/r,${THROUGH}`);
  t.strictSame(origin('x/y').headers[0], ['a', 'b'], 'the property itself is no header');
  const long = Array.from({ length: 30 }, (_, i) => hop('c', `r${i}`)).join(',');
  t.equal(path(long)?.split(',').length, 16);
  t.match(path(long), new RegExp(`^c/r15,.*,c/r29,${THROUGH}$`), 'it is cut at the front');
});

t.test('the path goes on without copyMqttProperties, where there is one', async (t) => {
  const headers = (changes: Partial<RecordShape>, ...names: string[]) => {
    const properties = names.map((name) => pair(name, 'a/b'));
    const record = shape({ copyMqttProperties: false, ...changes });
    return writeRecord(record, parts({ properties })).headers;
  };
  const topic = ['Topic', 'plant/1/temperature'];
  t.strictSame(headers({}, 'x', ORIGIN_PROPERTY), [
    topic,
    ['Millrace', `v=1;properties=Topic;path=a/b,${THROUGH}`],
  ]);
  t.strictSame(headers({ preserveTopic: false }, ORIGIN_PROPERTY), [
    ['Millrace', `v=1;properties=;path=a/b,${THROUGH}`],
  ]);
  t.strictSame(headers({}, 'x'), [topic], 'a message that has none is as it was');
  t.strictSame(headers({ loopGuard: false }, ORIGIN_PROPERTY), [topic]);
  const keyed = { keyProperty: Buffer.from('x'), preserveTopic: false };
  t.strictSame(headers(keyed, 'x', ORIGIN_PROPERTY), [
    ['Millrace', `v=1;properties=;path=a/b,${THROUGH}`],
  ]);
});

t.test('of several Millrace-Origin the first counts, and none is a header', async (t) => {
  const properties = [pair(ORIGIN_PROPERTY, 'a/b'), pair(ORIGIN_PROPERTY, 'c/d')];
  const { headers } = writeRecord(shape(), parts({ properties }));
  t.match(headers.at(-1)?.[1], new RegExp(`path=a/b,${THROUGH}$`));
  t.notOk(headers.some(([name]) => name === ORIGIN_PROPERTY));
});

t.test('what came through this very route is known for a loop', async (t) => {
  const came = (...properties: (readonly [string, string])[]) => {
    const packet = encodePublish(parts({ properties: properties.map(([k, v]) => pair(k, v)) }));
    const publish = publishOf(packet);
    return publish !== undefined && loops(shape(), publish);
  };
  t.ok(came([ORIGIN_PROPERTY, THROUGH]));
  t.ok(came(['a', 'b'], [ORIGIN_PROPERTY, `x/y,${THROUGH},z/w`]));
  t.notOk(came());
  t.notOk(came(['a', THROUGH]));
  t.notOk(came([ORIGIN_PROPERTY, hop('edge', 'others')]));
  t.notOk(came([ORIGIN_PROPERTY, `${THROUGH}2`]), 'the whole hop counts');
  t.notOk(came([ORIGIN_PROPERTY, hop('edge/temperatures', '')]), 'names are escaped');
});

t.test('the key is the topic, a property or nothing', async (t) => {
  const { record } = writeRecord(shape(), everything);
  t.equal(record.key, null);
  t.equal(writeRecord(shape({ keyIsTopic: true }), everything).key, 'plant/1/temperature');
  const bare = shape({ keyIsTopic: true, copyMqttProperties: false });
  t.equal(writeRecord(bare, everything).key, 'plant/1/temperature');
  for (const copyMqttProperties of [true, false]) {
    const keyed = (name: string) =>
      shape({ keyProperty: new TextEncoder().encode(name), copyMqttProperties });
    t.equal(writeRecord(keyed('site'), everything).key, 'a', 'the first of that name');
    t.equal(writeRecord(keyed('unit'), everything).key, '°C');
    t.equal(writeRecord(keyed('sit'), everything).key, undefined);
    t.equal(writeRecord(keyed('Site'), everything).key, undefined);
    const empty = parts({ properties: [pair('site', '')] });
    t.equal(writeRecord(keyed('site'), empty).key, '', 'an empty key is a key');
  }
});

t.test('the payload arrives byte by byte, however it is aligned', async (t) => {
  for (let bytes = 0; bytes <= 140; bytes++) {
    const payload = Buffer.from(Array.from({ length: bytes }, (_, i) => (i * 7 + 1) & 0xff));
    for (let shift = 0; shift < 8; shift++) {
      const { record } = writeRecord(shape(), parts({ payload }), { shift });
      if (!payload.equals(record.payload)) t.fail(`${bytes} bytes, shifted by ${shift}`);
    }
  }
  t.pass();
});

t.test('a payload in the slab stays there', async (t) => {
  const slab = new Uint8Array(8192).fill(1);
  slab.set(Buffer.from('21.5'), 4096);
  const written = writeRecord(shape(), parts(), { slab, slabOffset: 4096 });
  t.equal(written.flags, FLAG_PAYLOAD_IN_SLAB);
  t.equal(Buffer.from(written.record.payload).toString(), '21.5');
  t.ok(written.record.payloadInSlab);
  const large = parts({ payload: Buffer.alloc(100_000) });
  const { record } = writeRecord(shape(), large, { slab, slabOffset: 0 });
  t.ok(record.frameBytes < 1_000, 'its frame has no room for it');
});

t.test('a frame says which delivery, target and route it is of', async (t) => {
  const { record } = writeRecord(shape({ routeIndex: 65_535 }), parts());
  t.match(record, { deliveryId: 77, targetId: 5, routeIndex: 65_535 });
});

t.test('plans of names that nobody remembers take nothing of what the others share', async (t) => {
  const plan = (name: string) => planRecords(shape(), Buffer.from(name));
  const before = plan('a');
  const long = plan('x'.repeat(TOPIC_CACHED_BYTES_MAX + 1));
  t.not(long.memory, before.memory);
  t.ok(long.memory.bytes.length < 4 * TOPIC_CACHED_BYTES_MAX, 'no more than it needs');
  for (let n = 0; n < 200; n++) plan(`${n}`.padEnd(40_000, 'x'));
  t.equal(plan('b').memory, before.memory);
});
