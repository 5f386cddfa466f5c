import t from 'tap';
import { numbers, startEmbedded } from '../support/embedded.js';
import { CLIENT_ID } from '../support/resources.js';
import { until } from '../support/until.js';

const shared = (groupMinimumShareNumber: number) => [
  {
    routes: [
      {
        name: 'group',
        mqttTopic: 'in/#',
        kafkaTopic: 'out',
        sharedSubscription: { groupName: 'g', groupMinimumShareNumber },
      },
    ],
  },
];

t.test('a subscriber that was removed while we were away is emptied and ended', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    broker: { offlineShare: 'keep' },
    maps: shared(3),
  });
  await bridge.stop();
  for (const n of numbers(30)) bridge.publish('in/1', n);
  const removed = `${CLIENT_ID}-group-2`;
  t.ok((bridge.session(removed)?.queued ?? 0) > 0, 'the broker holds messages for it');
  await bridge.start(shared(2));
  await until('the broker has forgotten it', () => bridge.session(removed) === undefined, {
    detail: () => bridge.session(removed),
  });
  await bridge.ready();
  const values = await bridge.values('out');
  t.same(
    values.map(Number).sort((a, b) => a - b),
    numbers(30).map(Number),
    'nothing was lost',
  );
});

t.test('a filter that was removed while we were away is unsubscribed', async (t) => {
  const route = (name: string, mqttTopic: string) => ({ name, mqttTopic, kafkaTopic: 'out' });
  const bridge = await startEmbedded(t, {
    topics: { out: 1 },
    maps: [{ routes: [route('a', 'a/#'), route('b', 'b/#')] }],
  });
  await bridge.stop();
  bridge.publish('b/1', 'stale');
  await bridge.start([{ routes: [route('a', 'a/#')] }]);
  await bridge.ready();
  await until('the filter is gone', () => bridge.session()?.topicFilters.length === 1, {
    detail: () => bridge.session(),
  });
  bridge.publish('a/1', 'current');
  await bridge.acknowledged(2);
  t.same(
    bridge.pubacks.map(({ payload, reasonCode }) => [payload, reasonCode]),
    [
      ['stale', 0],
      ['current', 0],
    ],
    'what matches no route is acknowledged',
  );
  t.same(await bridge.values('out'), ['current'], 'and goes nowhere');
  t.equal(await bridge.metric('millrace_publishes_unrouted_total'), 1);
});
