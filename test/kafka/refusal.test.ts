import t from 'tap';
import { groupRefusal, isComing, isUnanswered, topicRefusal } from '../../src/kafka/refusal.js';

t.test('what is sound is refused by nobody', async (t) => {
  t.equal(topicRefusal(0, 'plant'), undefined);
  t.equal(groupRefusal(0, 'plant'), undefined);
});

const CASES: readonly (readonly [typeof topicRefusal, number, RegExp])[] = [
  [topicRefusal, 3, /^there is no topic plant: create it, or correct its name/],
  [topicRefusal, 5, /^topic plant has no leader: .* look at them/],
  [topicRefusal, 17, /^Kafka takes plant for no name of a topic: use up to 249/],
  [
    topicRefusal,
    29,
    /^Kafka does not let us see topic plant, .*: no ACL .* add one that allows Write/,
  ],
  [topicRefusal, 31, /^Kafka does not let us ask about topic plant: .* allows Describe on it$/],
  [topicRefusal, -185, /^Kafka gave no answer in time about topic plant: /],
  [topicRefusal, 87, /^Kafka answers INVALID_RECORD about topic plant: look into its log$/],
  [
    groupRefusal,
    30,
    /^Kafka does not let us join consumer group plant: .* allows Read on the group$/,
  ],
  [groupRefusal, 24, /^Kafka takes plant for no name of a consumer group: give another$/],
  [groupRefusal, 15, /^no broker coordinates consumer group plant \(COORDINATOR_NOT_AVAILABLE\): /],
  [groupRefusal, 35, /^this Kafka cannot be asked about consumer group plant: it is too old/],
  [groupRefusal, -165, /^this Kafka cannot be asked about consumer group plant: /],
];

for (const [refusal, code, words] of CASES) {
  t.test(`${refusal.name} of ${code} says what is wrong and what to do`, async (t) => {
    t.match(refusal(code, 'plant'), words);
  });
}

t.test('what Kafka itself said is no silence', async (t) => {
  t.ok(isUnanswered(-185));
  t.ok(isUnanswered(-195));
  t.notOk(isUnanswered(0));
  t.notOk(isUnanswered(29));
});

t.test(
  'a coordinator that is only just starting may answer later, and nothing else does',
  async (t) => {
    t.same(
      [0, 3, 14, 15, 16, 24, 30, -185].filter((code) => isComing(code)),
      [14, 15, 16],
    );
  },
);
