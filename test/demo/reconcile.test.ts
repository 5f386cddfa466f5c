import t from 'tap';
import { type ReadRecord, Reconciliation } from '../../src/demo/reconcile.js';
import { stampedJson } from '../../src/demo/stamp.js';

const ROUTES = [
  { route: 'telemetry', kafkaTopic: 'readings' },
  { route: 'events', kafkaTopic: 'events' },
];

/** Publishes `count` messages of the first route; returns their records. */
function published(reconciliation: Reconciliation, count: number): ReadRecord[] {
  return Array.from({ length: count }, (_, i) => {
    const payload = Buffer.from(stampedJson(reconciliation.nextId, { value: i }));
    reconciliation.onPublish({ route: 'telemetry', topic: 'a/b', payload }, 1000);
    return {
      kafkaTopic: 'readings',
      partition: 0,
      offset: i,
      key: 'a/b',
      mqttTopic: 'a/b',
      payload,
    };
  });
}

t.test('a message is settled by its PUBACK and its record, in either order', async (t) => {
  const reconciliation = new Reconciliation(ROUTES);
  const [first, second] = published(reconciliation, 2) as [ReadRecord, ReadRecord];
  t.equal(reconciliation.onPuback(first.payload, 0, 1004), 4, 'the latency');
  t.equal(reconciliation.open, 2);
  reconciliation.onRecord(first);
  t.equal(reconciliation.open, 1);
  reconciliation.onRecord(second);
  t.equal(reconciliation.unread, 0);
  t.equal(reconciliation.open, 1);
  t.equal(reconciliation.onPuback(second.payload, 0, 1005), 5);
  t.equal(reconciliation.open, 0);
  const { acknowledged, readBack, faults } = reconciliation;
  t.strictSame([reconciliation.published, acknowledged, readBack], [2, 2, 2]);
  t.strictSame(faults, { refused: 0, duplicates: 0, altered: 0, outOfOrder: 0 });
});

t.test('a second record is a duplicate, before the PUBACK and after it', async (t) => {
  const reconciliation = new Reconciliation(ROUTES);
  const [record] = published(reconciliation, 1) as [ReadRecord];
  reconciliation.onRecord(record);
  reconciliation.onRecord(record);
  t.equal(reconciliation.faults.duplicates, 1);
  reconciliation.onPuback(record.payload, 0, 1001);
  reconciliation.onRecord(record);
  t.equal(reconciliation.faults.duplicates, 2);
  t.equal(reconciliation.readBack, 1);
});

t.test('a record that differs in any respect is altered and not read back', async (t) => {
  const reconciliation = new Reconciliation(ROUTES);
  const [record] = published(reconciliation, 1) as [ReadRecord];
  const flipped = Buffer.from(record.payload);
  flipped[flipped.length - 2] = 0x39;
  const altered: Partial<ReadRecord>[] = [
    { payload: flipped },
    { payload: record.payload.subarray(0, -1) },
    { kafkaTopic: 'events' },
    { mqttTopic: 'a/c' },
    { mqttTopic: '' },
  ];
  for (const [i, change] of altered.entries()) {
    reconciliation.onRecord({ ...record, ...change });
    t.equal(reconciliation.faults.altered, i + 1, JSON.stringify(Object.keys(change)));
  }
  t.equal(reconciliation.readBack, 0);
  t.equal(reconciliation.unread, 1);
});

t.test('a record that comes after a later one of its key is out of order', async (t) => {
  const reconciliation = new Reconciliation(ROUTES);
  const records = published(reconciliation, 4) as [ReadRecord, ReadRecord, ReadRecord, ReadRecord];
  reconciliation.onRecord(records[1]);
  reconciliation.onRecord(records[0]);
  t.equal(reconciliation.faults.outOfOrder, 1);
  reconciliation.onRecord({ ...records[3], key: 'other' });
  reconciliation.onRecord(records[2]);
  t.equal(reconciliation.faults.outOfOrder, 1, 'other keys do not matter');
});

t.test('records without a key have no order', async (t) => {
  const reconciliation = new Reconciliation(ROUTES);
  const [first, second] = published(reconciliation, 2) as [ReadRecord, ReadRecord];
  reconciliation.onRecord({ ...second, key: '' });
  reconciliation.onRecord({ ...first, key: '' });
  t.equal(reconciliation.faults.outOfOrder, 0);
});

t.test('a PUBACK that refuses, or comes twice, is no acknowledgement', async (t) => {
  const reconciliation = new Reconciliation(ROUTES);
  const [first, second] = published(reconciliation, 2) as [ReadRecord, ReadRecord];
  t.equal(reconciliation.onPuback(first.payload, 0x83, 1001), undefined);
  t.equal(reconciliation.faults.refused, 1);
  reconciliation.onPuback(second.payload, 0, 1001);
  t.equal(reconciliation.onPuback(second.payload, 0, 1002), undefined);
  t.equal(reconciliation.acknowledged, 1);
});

t.test('what the demo has not published counts apart', async (t) => {
  const reconciliation = new Reconciliation(ROUTES);
  const [record] = published(reconciliation, 1) as [ReadRecord];
  for (const text of ['hello', '', '{"demoId":0,"value":1}', '{"demoId":2,"value":1}']) {
    reconciliation.onRecord({ ...record, payload: Buffer.from(text) });
  }
  t.equal(reconciliation.foreignRecords, 4);
  t.equal(reconciliation.onPuback(Buffer.from('hello'), 0, 1001), undefined);
  t.equal(reconciliation.acknowledged, 0);
});

t.test('messages count for their own route', async (t) => {
  const reconciliation = new Reconciliation(ROUTES);
  published(reconciliation, 2);
  const payload = stampedJson(reconciliation.nextId, { event: 'started' });
  reconciliation.onPublish({ route: 'events', topic: 'a/events', payload }, 1000);
  reconciliation.onPuback(Buffer.from(payload), 0, 1001);
  const counts = reconciliation.tallies.map((each) => [each.published, each.acknowledged]);
  t.strictSame(counts, [
    [2, 0],
    [1, 1],
  ]);
  t.equal(reconciliation.tallies[1]?.publishedBytes, payload.length);
});
