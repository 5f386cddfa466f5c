import t from 'tap';
import { addon } from '../../src/kafka/addon.js';
import { classify, type Disposition } from '../../src/kafka/kafka-error.js';

const NOT_PERSISTED = 0;
const POSSIBLY_PERSISTED = 1;

type Row = readonly [
  name: string,
  code: number,
  batch: Disposition,
  solo: Disposition,
  possibly: Disposition,
];

const ROWS: readonly Row[] = [
  ['MSG_SIZE_TOO_LARGE', 10, 'alone', 'refused', 'abandoned'],
  ['INVALID_RECORD', 87, 'alone', 'refused', 'abandoned'],
  ['_INVALID_DIFFERENT_RECORD', -138, 'alone', 'alone', 'abandoned'],
  ['_BAD_MSG', -199, 'refused', 'refused', 'abandoned'],
  ['_PURGE_QUEUE', -152, 'again', 'again', 'abandoned'],
  ['_PURGE_INFLIGHT', -151, 'abandoned', 'abandoned', 'abandoned'],
  ['_FATAL', -150, 'abandoned', 'abandoned', 'abandoned'],
  ['TOPIC_AUTHORIZATION_FAILED', 29, 'held', 'held', 'abandoned'],
  ['CLUSTER_AUTHORIZATION_FAILED', 31, 'held', 'held', 'abandoned'],
  ['UNKNOWN_TOPIC_OR_PART', 3, 'held', 'held', 'abandoned'],
  ['_UNKNOWN_TOPIC', -188, 'held', 'held', 'abandoned'],
  ['POLICY_VIOLATION', 44, 'held', 'held', 'abandoned'],
  ['_QUEUE_FULL', -184, 'held', 'held', 'abandoned'],
  ['_TRANSPORT', -195, 'held', 'held', 'abandoned'],
];

for (const [name, code, batch, solo, possibly] of ROWS) {
  t.test(
    `${name} is ${batch} in a batch, ${solo} alone, ${possibly} if possibly persisted`,
    (t) => {
      t.equal(addon.errorName(code), name);
      t.equal(classify(code, NOT_PERSISTED, false), batch);
      t.equal(classify(code, NOT_PERSISTED, true), solo);
      t.equal(classify(code, POSSIBLY_PERSISTED, false), possibly);
      t.equal(classify(code, POSSIBLY_PERSISTED, true), possibly);
      t.end();
    },
  );
}

t.test('no error is a dead letter but those of a record that was sent alone', (t) => {
  const refused = [];
  for (let code = -200; code <= 130; code++) {
    if (classify(code, NOT_PERSISTED, false) === 'refused') refused.push(code);
    if (classify(code, POSSIBLY_PERSISTED, true) === 'refused') refused.push(code);
  }
  // The addon's own word on a frame that is no record.
  t.same(refused, [-199]);
  t.end();
});
