import t from 'tap';
import {
  describeVerification,
  type RecordFigures,
  reasonsOfVerification,
} from '../../../src/bench/verify/verification.js';

const GOOD: RecordFigures = {
  records: 4_000_000,
  missing: 0,
  damaged: 0,
  strange: 0,
  repeated: 0,
  outOfOrder: 0,
  orderNotChecked: undefined,
  headers: 'all',
  unstamped: 0,
  checksum: { expected: '0000beef', found: '0000beef' },
  firstWrong: undefined,
};

function everyRecord(figures: Partial<RecordFigures>) {
  return { how: 'every record', seconds: 2, ...GOOD, ...figures } as const;
}

const SENT = { sent: 100, isOrdered: true };

t.test('what is missing, damaged, strange or out of order makes figures void', async (t) => {
  t.strictSame(reasonsOfVerification(everyRecord({}), SENT), []);
  t.strictSame(reasonsOfVerification(everyRecord({ repeated: 5 }), SENT), []);
  const firstWrong = 'partition 0, offset 7: its payload is another';
  const wrong = { missing: 1, damaged: 2, strange: 3, outOfOrder: 4, firstWrong };
  t.strictSame(reasonsOfVerification(everyRecord(wrong), SENT), [
    '1 of 100 messages are not in Kafka',
    `2 records are not as they were sent (${firstWrong})`,
    `3 records are of no message (${firstWrong})`,
    '4 messages lie behind a later one of their key',
  ]);
  const unordered = everyRecord({ outOfOrder: 4 });
  t.strictSame(reasonsOfVerification(unordered, { ...SENT, isOrdered: false }), []);
  t.strictSame(reasonsOfVerification({ how: 'none' }, SENT), []);
});

t.test('a line says what was looked at, and what was found', async (t) => {
  const line = describeVerification(everyRecord({}));
  t.match(line, /Every one of 4,000,000 messages .* exactly as it was sent, checksum 0000beef/);
  t.match(line, /in order for each key \(2\.0 s\)\.$/);
  const orderNotChecked = 'acks zero promises none';
  const unordered = { outOfOrder: undefined, orderNotChecked };
  const more = everyRecord({ records: 4_000_007, repeated: 7, ...unordered });
  t.match(describeVerification(more), /Every one of 4,000,000 messages .* 7 records are rep/);
  t.match(describeVerification(more), /their order was not checked: acks zero promises none \(/);
  t.notMatch(describeVerification(more), /in order/);
  const checksum = { expected: '0000beef', found: '00000001' };
  const wrong = describeVerification(everyRecord({ missing: 3, damaged: 1, checksum }));
  t.match(wrong, /3 are missing in Kafka, and 1 records are wrong, checksum 00000001 where 0000b/);
  t.match(describeVerification(everyRecord({ unstamped: 9 })), /9 short ones were counted per key/);
  t.match(line, /all headers compared/);
  const other = describeVerification(everyRecord({ headers: 'user properties' }));
  t.match(other, /of its headers the user properties compared/);
  const counts = { how: 'counts only', records: 50, missing: 0 } as const;
  t.match(
    describeVerification(counts),
    /50 records were counted .* their order, was not looked at: the embedded/,
  );
  t.match(describeVerification({ how: 'none' }), /not counted/);
});
