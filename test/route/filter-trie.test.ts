import assert from 'node:assert/strict';
import t from 'tap';
import { FilterTrie } from '../../src/route/filter-trie.js';
import { forSeeds } from '../support/random.js';
import { allTopicNames, filterMatches, randomFilter } from '../support/topic-filters.js';

function matches(filter: string, topicName: string): boolean {
  const trie = new FilterTrie<string>();
  trie.add(filter, filter);
  return trie.match(topicName).length === 1;
}

t.test("the specification's own examples", async (t) => {
  for (const name of ['sport/tennis/player1', 'sport/tennis/player1/score/wimbledon'])
    t.ok(matches('sport/tennis/player1/#', name), name);
  t.ok(matches('sport/#', 'sport'));
  t.ok(matches('#', 'a/b'));
  t.ok(matches('sport/+', 'sport/'));
  t.notOk(matches('sport/+', 'sport'));
  t.notOk(matches('sport/tennis/+', 'sport/tennis/player1/ranking'));
  t.ok(matches('+/+', '/finance'));
  t.ok(matches('/+', '/finance'));
  t.notOk(matches('+', '/finance'));
  t.notOk(matches('#', '$SYS/broker'));
  t.notOk(matches('+/monitor/Clients', '$SYS/monitor/Clients'));
  t.ok(matches('$SYS/#', '$SYS/monitor'));
  t.ok(matches('$SYS/monitor/+', '$SYS/monitor/Clients'));
  t.ok(matches('a/+', 'a/$b'), 'only the first level is special');
  t.notOk(matches('ACCOUNTS', 'Accounts'));
});

t.test('a value is found as often as it was added', async (t) => {
  const trie = new FilterTrie<number>();
  for (const value of [1, 2, 2]) trie.add('a', value);
  trie.add('#', 3);
  t.strictSame(trie.match('a').sort(), [1, 2, 2, 3]);
  t.strictSame(trie.match('b'), [3]);
  t.strictSame(new FilterTrie<number>().match('a'), []);
});

t.test('many filters together match what each matches alone', (t) => {
  const names = allTopicNames();
  return forSeeds(t, 500, (random) => {
    const trie = new FilterTrie<string>();
    const filters = Array.from({ length: random.between(1, 12) }, () => randomFilter(random));
    for (const filter of filters) trie.add(filter, filter);
    for (let i = 0; i < 60; i++) {
      const name = random.pick(names);
      const expected = filters.filter((filter) => filterMatches(filter, name));
      assert.deepEqual(trie.match(name).sort(), expected.sort(), `${name} in ${filters}`);
    }
  });
});
