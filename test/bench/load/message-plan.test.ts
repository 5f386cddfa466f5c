import t from 'tap';
import { WHOLE } from '../../../src/bench/load/load-part.js';
import {
  type PlanOptions,
  planLengthMin,
  planMessages,
} from '../../../src/bench/load/message-plan.js';

const OPTIONS: PlanOptions = {
  topics: 10,
  keys: 10,
  skew: 0,
  payload: [{ bytes: 200, percent: 100 }],
  part: WHOLE,
};

function planOf(options: Partial<PlanOptions>) {
  const planned = { ...OPTIONS, ...options };
  return planMessages(planned, planLengthMin(planned));
}

function countsOf(values: Uint32Array): number[] {
  const counts: number[] = [];
  for (const value of values) counts[value] = (counts[value] ?? 0) + 1;
  return counts;
}

t.test('without a skew topics and keys come in turn', async (t) => {
  const { topics, keys } = planOf({});
  t.same([...topics], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  t.same(keys, topics);
});

t.test('of topics and keys the fewer follow the more', async (t) => {
  const manyKeys = planOf({ keys: 20 });
  t.equal(countsOf(manyKeys.keys).length, 20);
  t.ok(manyKeys.keys.every((key, n) => manyKeys.topics[n] === key % 10));
  const fewKeys = planOf({ keys: 2 });
  t.ok(fewKeys.topics.every((topic, n) => fewKeys.keys[n] === topic % 2));
});

t.test("shares under a skew are those of Zipf's law", async (t) => {
  const { topics, length } = planOf({ topics: 100, keys: 100, skew: 1 });
  const counts = countsOf(topics);
  const whole = Array.from({ length: 100 }, (_, n) => 1 / (n + 1)).reduce((a, b) => a + b);
  for (const n of [0, 1, 9, 99]) {
    const share = (counts[n] as number) / length;
    const wanted = 1 / (n + 1) / whole;
    t.ok(Math.abs(share / wanted - 1) < 0.05, `${n}: ${share} of ${wanted}`);
  }
  t.same(planOf({ topics: 100, keys: 100, skew: 1 }).topics, topics, 'the same each time');
});

t.test('sizes have exactly their shares', async (t) => {
  const payload = [
    { bytes: 200, percent: 33.33 },
    { bytes: 400, percent: 66.66 },
    { bytes: 800, percent: 0.01 },
  ];
  const { sizes, length } = planOf({ payload });
  t.equal(length, 10_000);
  t.same(countsOf(Uint32Array.from(sizes)), [3333, 6666, 1]);
});

t.test('the sizes of all parts together have their shares', async (t) => {
  const payload = [
    { bytes: 200, percent: 99.5 },
    { bytes: 800, percent: 0.5 },
  ];
  const parts = 100;
  const plans = Array.from({ length: parts }, (_, index) =>
    planOf({ payload, part: { index, parts } }),
  );
  t.ok(plans.every(({ length }) => length === 100));
  const large = plans.flatMap(({ sizes }) => [...sizes]).filter((size) => size === 1);
  t.equal(large.length, 50);
});
