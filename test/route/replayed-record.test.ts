import t from 'tap';
import type { Connector, KafkaToMqttRoute, TopicMap } from '../../src/config/model.js';
import { findRecordRoute, replayedPublish } from '../../src/route/replayed-record.js';
import { kafkaRecord } from '../support/kafka-record.js';
import { PUBLISHED_THROUGH, writerOf } from '../support/mapped-record.js';

const route = { kind: 'kafkaToMqtt', name: 'commands', retain: 'keep' } as KafkaToMqttRoute;
const map = { copyMqttProperties: true, loopGuard: true, routes: [route] } as unknown as TopicMap;

const headers: [string, string | null][] = [
  ['Millrace', 'v=1;properties=Retain,Content Type,Message Expiry Interval;path=a/b'],
  ['Retain', '1'],
  ['Content Type', 'text/plain'],
  ['Message Expiry Interval', '60'],
  ['colour', 'red'],
  ['colour', ''],
  ['nothing', null],
];
const record = {
  partition: 3,
  timestampMs: 1_700_000_000_000,
  key: Buffer.from('k'),
  headers: headers.map(
    ([name, value]) => [name, value === null ? null : Buffer.from(value)] as const,
  ),
};

const through = (nowMs: number) => ({ connector: 'edge', map, route, nowMs });

t.test('a record that lies apart becomes what its route makes of it in the ring', async (t) => {
  const writer = writerOf();
  const { timestampMs } = record;
  writer.write(kafkaRecord({ key: 'k', headers, timestampMs, partition: 3 }), timestampMs);
  const publish = replayedPublish(through(timestampMs), record);
  t.same(publish, {
    properties: writer.bytes.slice(0, writer.length),
    retain: true,
  });
});

t.test('a null key and no headers are read too', async (t) => {
  const writer = writerOf();
  writer.write(kafkaRecord(), 0);
  const bare = { partition: 0, timestampMs: -1, key: null, headers: [] };
  t.same(replayedPublish(through(0), bare), {
    properties: writer.bytes.slice(0, writer.length),
    retain: false,
  });
});

t.test('what the route would not publish is told', async (t) => {
  const soon = through(record.timestampMs + 59_000);
  const came = [['Millrace', Buffer.from(`v=1;properties=;path=${PUBLISHED_THROUGH}`)]] as const;
  t.match(replayedPublish(soon, { ...record, headers: came }), /this route before/);
  const large = Buffer.alloc(60_000, 'x');
  const many = Array.from({ length: 40 }, (_, n) => [`${n}`, large] as const);
  t.match(replayedPublish(soon, { ...record, headers: many }), /more than/);
});

t.test(
  'an expiry goes on counting while a letter lies, and what has expired is not sent',
  async (t) => {
    const writer = writerOf();
    const nowMs = record.timestampMs + 59_000;
    const { timestampMs } = record;
    writer.write(kafkaRecord({ key: 'k', headers, timestampMs, partition: 3 }), nowMs);
    t.match(replayedPublish(through(nowMs), record), {
      properties: writer.bytes.slice(0, writer.length),
    });
    t.match(replayedPublish(through(record.timestampMs + 60_000), record), /Interval has passed/);
  },
);

t.test('a route is found by its name among those of its direction', async (t) => {
  const up = { kind: 'mqttToKafka', name: 'up' };
  const other = { ...map, routes: [up] } as unknown as TopicMap;
  const connector = { topicMaps: [other, map] } as Pick<Connector, 'topicMaps'>;
  t.same(findRecordRoute(connector, 'commands'), { map, route });
  t.equal(findRecordRoute(connector, 'up'), undefined);
  t.equal(findRecordRoute(connector, undefined), undefined);
});
