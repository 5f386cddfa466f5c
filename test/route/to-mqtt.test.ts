import t from 'tap';
import { HEADER_PART_BYTES_MAX } from '../../src/config/limits.js';
import { whyLeftOut } from '../../src/route/left-out.js';
import { hop, millraceHeader, ORIGIN_PROPERTY } from '../../src/route/origin.js';
import { EXPIRED, LOOPED, MAPPED, TOO_LARGE } from '../../src/route/to-mqtt.js';
import { kafkaRecord, type RecordSpec } from '../support/kafka-record.js';
import { mapped, PUBLISHED_THROUGH, writerOf } from '../support/mapped-record.js';

/* Record -> PUBLISH, as the project's property mapping has it. */

const NOW = 1_764_200_000_000;
const ORIGIN = [ORIGIN_PROPERTY, PUBLISHED_THROUGH] as const;
const map = (spec: RecordSpec, changes: Parameters<typeof writerOf>[0] = {}) =>
  mapped(writerOf(changes), kafkaRecord(spec), NOW);
const verdict = (spec: RecordSpec, changes: Parameters<typeof writerOf>[0] = {}) =>
  writerOf(changes).write(kafkaRecord(spec), NOW);
/** The header Millrace as an mqttToKafka route would write it. */
const millrace = (properties: readonly string[], path = 'a/b'): readonly [string, string] => [
  'Millrace',
  millraceHeader(properties, path, undefined),
];

t.test('key, timestamp and headers become user properties, in order', async (t) => {
  const headers = [
    ['unit', '°C'],
    ['site', 'b'],
    ['unit', 'K'],
    ['', ''],
  ] as const;
  const found = map({ key: 'device-7', timestampMs: NOW, headers, payload: 'x' });
  t.strictSame(found.userProperties, [
    ...headers,
    ['Key', 'device-7'],
    ['Timestamp', '1764200000000'],
    ORIGIN,
  ]);
  t.equal(found.payload, '78');
  t.equal(found.retain, false);
  t.equal(found.leftOut, 0);
});

t.test('what a record lacks gives no property', async (t) => {
  t.strictSame(map({ key: null }).userProperties, [ORIGIN]);
  t.strictSame(map({ key: '', timestampMs: 0 }).userProperties, [
    ['Key', ''],
    ['Timestamp', '0'],
    ORIGIN,
  ]);
  t.strictSame(map({ key: null }, { loopGuard: false }).userProperties, []);
});

t.test('headers with the names of properties become them, the last of each name', async (t) => {
  const correlationData = Uint8Array.of(0, 0xff, 0xc3, 0x28);
  const found = map({
    headers: [
      ['Content Type', 'mine'],
      ['Payload Format Indicator', '1'],
      ['Response Topic', 'answers/1'],
      ['Message Expiry Interval', '60'],
      ['Correlation Data', correlationData],
      ['Content Type', 'text/plain'],
      ['Topic', 'plant/1'],
      ['QoS', '1'],
    ],
  });
  t.equal(found.payloadFormat, 1);
  t.equal(found.responseTopic, 'answers/1');
  t.equal(found.expirySeconds, 60);
  t.equal(found.correlationData, '00ffc328');
  t.equal(found.contentType, 'text/plain');
  t.strictSame(
    found.userProperties,
    [['Content Type', 'mine'], ['Topic', 'plant/1'], ['QoS', '1'], ORIGIN],
    'an earlier one, and what no property has, stay headers',
  );
});

t.test('what is no valid value of the property stays a header', async (t) => {
  const headers = [
    ['Payload Format Indicator', '2'],
    ['Payload Format Indicator', '01'],
    ['Response Topic', 'a/+'],
    ['Response Topic', ''],
    ['Message Expiry Interval', '4294967296'],
    ['Message Expiry Interval', 'soon'],
  ] as const;
  for (const header of headers) {
    const { userProperties, ...found } = map({ headers: [header] });
    t.strictSame(userProperties, [header, ORIGIN], header.join(': '));
    t.equal(found.payloadFormat ?? found.responseTopic ?? found.expirySeconds, undefined);
    t.equal(found.leftOut, 0);
  }
});

t.test('the header Millrace says which headers are properties, and is used up', async (t) => {
  const found = map({
    key: 'k',
    timestampMs: NOW,
    headers: [
      ['Content Type', 'a user property'],
      ['Topic', 'a user property'],
      ['Millrace', 'a user property'],
      ['Response Topic', 'answers'],
      ['Topic', 'plant/1'],
      ['QoS', '1'],
      ['Retain', '1'],
      millrace(['Response Topic', 'Topic', 'QoS', 'Retain']),
    ],
  });
  t.equal(found.responseTopic, 'answers');
  t.equal(found.contentType, undefined);
  t.equal(found.retain, true);
  t.strictSame(found.userProperties, [
    ['Content Type', 'a user property'],
    ['Topic', 'a user property'],
    ['Millrace', 'a user property'],
    [ORIGIN_PROPERTY, `a/b,${PUBLISHED_THROUGH}`],
  ]);
});

t.test('what Millrace does not list is a user property, whatever its name', async (t) => {
  const headers = [
    ['Topic', 't'],
    ['QoS', '0'],
    ['Retain', '1'],
    ['Message Expiry Interval', '0'],
    ['Payload Format Indicator', '1'],
  ] as const;
  const found = map({ headers: [...headers, millrace([])] });
  t.strictSame(found.userProperties.slice(0, -1), headers);
  t.equal(found.retain, false);
  t.equal(found.payloadFormat, undefined);
});

t.test('a header Millrace of another kind is a header like any other', async (t) => {
  for (const value of ['', 'v=2;properties=;path=a/b', 'x'.repeat(65_535)]) {
    const header = ['Millrace', value] as const;
    t.strictSame(map({ headers: [header] }).userProperties, [header, ORIGIN]);
  }
  t.equal(map({ headers: [['Millrace', 'x'.repeat(200_000)]] }).leftOut, 1);
});

t.test('RETAIN is kept, or never set', async (t) => {
  const foreign = [['Retain', '1']] as const;
  t.equal(map({ headers: foreign }).retain, true);
  t.strictSame(map({ headers: foreign }).userProperties, [ORIGIN]);
  t.equal(map({ headers: [['Retain', '0']] }).retain, false);
  t.equal(map({ headers: [['Retain', 'yes']] }).retain, false);
  t.strictSame(map({ headers: [['Retain', 'yes']] }).userProperties, [['Retain', 'yes'], ORIGIN]);
  const never = map({ headers: foreign }, { retain: 'never' });
  t.equal(never.retain, false);
  t.strictSame(never.userProperties, [['Retain', '1'], ORIGIN]);
  const ours = map({ headers: [...foreign, millrace(['Retain'])] }, { retain: 'never' });
  t.equal(ours.retain, false);
  t.equal(ours.userProperties.length, 1);
  t.equal(map({ headers: foreign }, { copyMqttProperties: false }).retain, false);
  const writer = writerOf();
  t.equal(mapped(writer, kafkaRecord({ headers: foreign })).retain, true);
  t.equal(mapped(writer, kafkaRecord()).retain, false, 'the next record has nothing of it');
});

t.test('expiry counts from the timestamp, and only falls', async (t) => {
  const left = (seconds: string, ageMs: number) =>
    map({ timestampMs: NOW - ageMs, headers: [['Message Expiry Interval', seconds]] })
      .expirySeconds;
  t.equal(left('60', 0), 60);
  t.equal(left('60', 1), 60, 'rounded up');
  t.equal(left('60', 1_000), 59);
  t.equal(left('60', 59_999), 1);
  t.equal(left('60', -5_000), 60, 'a clock that is ahead adds nothing');
  t.equal(left('4294967295', 0), 4_294_967_295);
  const untimed = map({ headers: [['Message Expiry Interval', '5']] });
  t.equal(untimed.expirySeconds, 5, 'without a timestamp it begins anew');
});

t.test('an expired record is not published, with and without copyMqttProperties', async (t) => {
  for (const copyMqttProperties of [true, false]) {
    const expired = (seconds: string, ageMs: number) => {
      const headers = [['Message Expiry Interval', seconds]] as const;
      return verdict({ timestampMs: NOW - ageMs, headers }, { copyMqttProperties });
    };
    t.equal(expired('60', 59_999), MAPPED);
    t.equal(expired('60', 60_000), EXPIRED);
    t.equal(expired('0', 0), EXPIRED);
    t.equal(expired('never', 1e12), MAPPED);
  }
});

t.test('without copyMqttProperties only expiry and path are written', async (t) => {
  const spec = {
    key: 'k',
    timestampMs: NOW,
    headers: [
      ['unit', 'K'],
      ['broken', null],
      ['Content Type', 'x'],
      ['Message Expiry Interval', '9'],
    ],
  } as const;
  const found = map(spec, { copyMqttProperties: false });
  t.strictSame(found.userProperties, [ORIGIN]);
  t.equal(found.contentType, undefined);
  t.equal(found.expirySeconds, 9);
  t.equal(found.leftOut, 0);
  const bare = map(spec, { copyMqttProperties: false, loopGuard: false });
  t.strictSame(bare.userProperties, []);
});

t.test('the path goes on, and what came through this route is stopped', async (t) => {
  const path = (value: string) =>
    map({ headers: [['Millrace', `v=1;properties=;path=${value}`]] }).userProperties.at(-1)?.[1];
  t.equal(path('a/b,c/d'), `a/b,c/d,${PUBLISHED_THROUGH}`);
  t.equal(path('a/b,\u0000,é'), `a/b,${PUBLISHED_THROUGH}`, 'what is no hop is left out');
  t.equal(path(''), PUBLISHED_THROUGH);
  for (const copyMqttProperties of [true, false]) {
    const headers = [millrace(['Topic'], `x/y,${PUBLISHED_THROUGH},a/b`)];
    t.equal(verdict({ headers }, { copyMqttProperties }), LOOPED);
    t.equal(verdict({ headers }, { copyMqttProperties, loopGuard: false }), MAPPED);
    t.equal(verdict({ headers: [millrace([], `${PUBLISHED_THROUGH}x`)] }), MAPPED);
  }
  const long = Array.from({ length: 16 }, (_, i) => hop('c'.repeat(250), `r${i}`)).join(',');
  t.match(path(long), /^c+\/r1,.*r15,edge\/commands$/, 'also one too long to be remembered');
  t.equal(verdict({ headers: [millrace([], `${long},${PUBLISHED_THROUGH}`)] }), LOOPED);
});

t.test('there is one Millrace-Origin, also where a header has that name', async (t) => {
  const headers = [
    [ORIGIN_PROPERTY, 'x/y'],
    [ORIGIN_PROPERTY, 'a/b'],
    ['unit', 'K'],
  ] as const;
  t.strictSame(map({ headers }).userProperties, [
    ['unit', 'K'],
    [ORIGIN_PROPERTY, `a/b,${PUBLISHED_THROUGH}`],
  ]);
  t.equal(verdict({ headers: [[ORIGIN_PROPERTY, PUBLISHED_THROUGH]] }), LOOPED);
  t.strictSame(map({ headers }, { loopGuard: false }).userProperties, headers);
});

t.test('what MQTT cannot carry is left out and told', async (t) => {
  const long = 'x'.repeat(65_536);
  const writer = writerOf();
  const record = kafkaRecord({
    key: Uint8Array.of(0xff),
    headers: [
      ['first', 'kept'],
      ['null', null],
      ['nul', 'a\0b'],
      ['latin1', Uint8Array.of(0xe9)],
      [Uint8Array.of(0xc3), 'x'],
      ['long', long],
      ['Content Type', null],
      ['Correlation Data', long],
      ['x'.repeat(65_535), 'last'],
    ],
  });
  const found = mapped(writer, record);
  t.strictSame(
    found.userProperties.map(([name, value]) => [name.slice(0, 5), value]),
    [
      ['first', 'kept'],
      ['xxxxx', 'last'],
      ['Millr', PUBLISHED_THROUGH],
    ],
  );
  t.equal(found.leftOut, 8);
  t.strictSame(
    [...writer.leftOutAt].map((at) => whyLeftOut(record, at)),
    [
      { header: 'null', why: 'it has no value' },
      { header: 'nul', why: 'U+0000 is in it' },
      { header: 'latin1', why: 'it is not UTF-8' },
      { header: '\ufffd', why: 'its name: it is not UTF-8' },
      { header: 'long', why: '65536 bytes, more than 65535' },
      { header: 'Content Type', why: 'it has no value' },
      { header: 'Correlation Data', why: '65536 bytes, more than 65535' },
      { header: undefined, why: 'it is not UTF-8' },
    ],
  );
  t.equal(mapped(writer, kafkaRecord({ key: 'k' })).leftOut, 0, 'the next record begins anew');
  const many = kafkaRecord({ headers: Array.from({ length: 3_000 }, () => ['n', null]) });
  t.equal(mapped(writer, many).leftOut, 3_000);
});

t.test('properties take at most as much as can be read again', async (t) => {
  const size = (valueBytes: number) => {
    const headers = Array.from({ length: 4 }, () => ['a', 'x'.repeat(valueBytes)] as const);
    return kafkaRecord({ headers });
  };
  const writer = writerOf({ loopGuard: false });
  const fits = HEADER_PART_BYTES_MAX / 4 - 6;
  t.equal(writer.write(size(fits), NOW), MAPPED);
  t.equal(writer.length, HEADER_PART_BYTES_MAX);
  const over = kafkaRecord({ headers: [['b', ''], ...hugeHeaders()] });
  t.equal(writer.write(over, NOW), TOO_LARGE);
  t.ok(writer.bytes.length <= HEADER_PART_BYTES_MAX);
  t.equal(writerOf().write(size(fits), NOW), TOO_LARGE, 'the path has to find room too');
  const many = Array.from({ length: 100_000 }, () => ['a', ''] as const);
  t.equal(writer.write(kafkaRecord({ headers: many }), NOW), TOO_LARGE);
  t.equal(writer.write(kafkaRecord({ headers: [['a', 'b']] }), NOW), MAPPED);
});

function hugeHeaders(): [string, string][] {
  return Array.from({ length: 4 }, () => ['a', 'x'.repeat(65_530)]);
}
