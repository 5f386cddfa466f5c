import assert from 'node:assert/strict';
import t from 'tap';
import { filtersOverlap } from '../../src/route/topic-filter.js';
import { forSeeds } from '../support/random.js';
import { allTopicNames, filterMatches, randomFilter } from '../support/topic-filters.js';

t.test('filters overlap where one topic name matches both', async (t) => {
  for (const [a, b, expected] of [
    ['a/b', 'a/b', true],
    ['a/b', 'a/c', false],
    ['a/+', 'a/b', true],
    ['a/+', '+/b', true],
    ['a/+', 'a', false],
    ['a/#', 'a', true],
    ['a/+/c', 'a/#', true],
    ['#', '+/+', true],
    ['#', '$SYS/#', false],
    ['+/a', '$SYS/a', false],
    ['$SYS/#', '$SYS/+', true],
    ['a/#', 'b/#', false],
    ['+', '/', false],
    ['+/+', '/', true],
  ] as const) {
    t.equal(filtersOverlap(a, b), expected, `${a} and ${b}`);
    t.equal(filtersOverlap(b, a), expected, `${b} and ${a}`);
  }
});

t.test('no topic name of all that there are contradicts', (t) => {
  const names = allTopicNames();
  return forSeeds(t, 1_000, (random) => {
    const a = randomFilter(random);
    const b = randomFilter(random);
    const shared = names.find((name) => filterMatches(a, name) && filterMatches(b, name));
    assert.equal(filtersOverlap(a, b), shared !== undefined, `${a} and ${b}: ${shared}`);
  });
});
