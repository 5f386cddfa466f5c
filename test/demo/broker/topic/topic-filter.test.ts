import t from 'tap';
import { matchesTopic, parseTopicFilter } from '../../../../src/demo/broker/topic/topic-filter.js';

function matches(filter: string, topic: string): boolean {
  const parsed = parseTopicFilter(filter);
  if (parsed === undefined) throw new Error(`${filter} is not a topic filter`);
  return matchesTopic(parsed, topic.split('/'));
}

t.test('Topic Filters match as the examples of MQTT 5 say', async (t) => {
  const cases: [string, string, boolean][] = [
    ['sport/tennis/player1/#', 'sport/tennis/player1', true],
    ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
    ['sport/#', 'sport', true],
    ['#', 'a/b', true],
    ['sport/tennis/+', 'sport/tennis/player1', true],
    ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
    ['sport/+', 'sport', false],
    ['sport/+', 'sport/', true],
    ['+/+', '/finance', true],
    ['/+', '/finance', true],
    ['+', '/finance', false],
    ['#', '$SYS/uptime', false],
    ['+/monitor/Clients', '$SYS/monitor/Clients', false],
    ['$SYS/#', '$SYS/uptime', true],
    ['ACCOUNTS', 'Accounts', false],
  ];
  for (const [filter, topic, expected] of cases)
    t.equal(matches(filter, topic), expected, `${filter} and ${topic}`);
});

t.test('a Topic Filter that MQTT forbids is none', async (t) => {
  const wrong = ['', 'a/#/b', 'a#', 'a/b+', '+a', 'a\0', '$share/g', '$share//a', '$share/g/'];
  for (const text of [...wrong, '$share/g+/a', '$share/g/a#'])
    t.equal(parseTopicFilter(text), undefined, JSON.stringify(text));
});

t.test('a shared subscription is taken apart into share name and filter', async (t) => {
  t.strictSame(parseTopicFilter('$share/group/a/+'), {
    shareName: 'group',
    levels: ['a', '+'],
    hasWildcard: true,
  });
});
