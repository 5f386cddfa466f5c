import t from 'tap';
import { Subscriptions } from '../../../src/bench/play-broker/subscriptions.js';

t.test('filters match as MQTT says, shared or not', async (t) => {
  const matches = (filter: string) => {
    const subscriptions = new Subscriptions();
    subscriptions.add(filter, 5);
    return subscriptions.idsOf('bench/7');
  };
  for (const filter of [
    'bench/#',
    '#',
    'bench/+',
    '+/7',
    'bench/7',
    'bench/7/#',
    '$share/g/bench/#',
  ]) {
    t.same(matches(filter), [5], filter);
  }
  for (const filter of ['bench', 'bench/8', '+', 'bench/+/x', 'other/#', '$share/g/other/#']) {
    t.equal(matches(filter), undefined, filter);
  }
});

t.test('a topic has the identifiers of all filters that match it, and no others', async (t) => {
  const subscriptions = new Subscriptions();
  subscriptions.add('bench/1/#', 11);
  subscriptions.add('bench/2/#', 12);
  subscriptions.add('bench/+/7', 13);
  t.same(subscriptions.idsOf('bench/1/6'), [11]);
  t.same(new Set(subscriptions.idsOf('bench/2/7')), new Set([12, 13]));
  t.same(subscriptions.idsOf('bench/3/7'), [13]);
  t.equal(subscriptions.idsOf('bench/3/8'), undefined);
});

t.test('a filter without an identifier matches and gives none; the last one counts', async (t) => {
  const subscriptions = new Subscriptions();
  subscriptions.add('bench/#', undefined);
  t.same(subscriptions.idsOf('bench/1'), []);
  subscriptions.add('bench/#', 3);
  t.same(subscriptions.idsOf('bench/1'), [3]);
});
