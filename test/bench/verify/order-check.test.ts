import t from 'tap';
import { BENCH_DEFAULTS, type BenchOptions } from '../../../src/bench/options.js';
import { OrderCheck, type OrderRule, orderRuleOf } from '../../../src/bench/verify/order-check.js';
import { type RecordSpec, ringOfRecords } from '../../support/record-frames.js';

/** What is known of the order when messages of these numbers come so. */
function check(rule: OrderRule, records: readonly (readonly [sequence: number, RecordSpec])[]) {
  const order = new OrderCheck(rule, 10);
  const ring = ringOfRecords(records.map(([, spec]) => spec));
  for (const [n, [sequence]] of records.entries()) {
    if (n > 0) ring.next();
    order.take(ring, sequence);
  }
  const { outOfOrder, notChecked } = order;
  return { outOfOrder, notChecked };
}

const keyed = (key: string, topic?: string): RecordSpec => ({
  key,
  headers: [['property-0', 'x'], ['Topic', null], ...(topic ? [['Topic', topic] as const] : [])],
});

t.test('each key has an order of its own', async (t) => {
  const [one, two] = [keyed('bench/1'), keyed('bench/2')];
  const rule = { kind: 'key' } as const;
  const good = [
    [0, one],
    [5, two],
    [1, one],
    [7, two],
  ] as const;
  t.same(check(rule, good), { outOfOrder: 0, notChecked: undefined });
  const bad = [
    [1, one],
    [5, two],
    [0, one],
    [3, two],
    [6, two],
  ] as const;
  t.same(check(rule, bad), { outOfOrder: 2, notChecked: undefined });
});

t.test('connections that share a key are told apart by their topics', async (t) => {
  const rule = { kind: 'connection', connections: 3 } as const;
  const of = (topic: number) => keyed('key/0', `bench/0/${topic}`);
  const good = [
    [5, of(1)],
    [0, of(0)],
    [6, of(4)],
    [1, of(3)],
  ] as const;
  t.same(check(rule, good), { outOfOrder: 0, notChecked: undefined });
  const bad = [
    [6, of(4)],
    [0, of(0)],
    [5, of(1)],
  ] as const;
  t.same(check(rule, bad), { outOfOrder: 1, notChecked: undefined });
});

t.test(
  'where records do not say their topic, that is why nothing is said of the order',
  async (t) => {
    const rule = { kind: 'connection', connections: 3 } as const;
    for (const spec of [keyed('key/0'), keyed('key/0', 'nowhere')]) {
      const found = check(rule, [
        [0, keyed('key/0', 'bench/0')],
        [1, spec],
      ]);
      t.match(found, { outOfOrder: undefined, notChecked: /without the header Topic/ });
    }
  },
);

t.test('which order there is follows from the load', async (t) => {
  const rule = (options: Partial<BenchOptions>, loaded = options.connections ?? 1) =>
    orderRuleOf({ ...BENCH_DEFAULTS, topics: 100, ...options }, loaded);
  const throughBroker = { host: 'localhost', port: 1883 };
  t.same(rule({}), { kind: 'key' });
  t.same(rule({ connections: 20 }), { kind: 'key' });
  t.same(rule({ keys: 7 }), { kind: 'key' });
  t.same(rule({ keys: 20, connections: 20 }), { kind: 'key' });
  t.same(rule({ keys: 7, connections: 20 }), { kind: 'connection', connections: 20 });
  t.same(rule({ connections: 20, throughBroker }), { kind: 'key' });
  t.same(rule({ keys: 1000, throughBroker }), { kind: 'key' });
  t.match(rule({ keys: 7, throughBroker }), { kind: 'none', why: /order of each topic alone/ });
  t.match(rule({ acks: 'zero' }), { kind: 'none', why: /acks zero/ });
  t.match(rule({ payloadBytes: 8 }), { kind: 'none', why: /under 16 bytes/ });
  t.match(rule({}, 2), { kind: 'none', why: /more connections/ });
});
