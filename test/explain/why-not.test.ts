import t from 'tap';
import { whyNoMatch } from '../../src/explain/why-not.js';
import { FilterTrie } from '../../src/route/filter-trie.js';

t.test('the level that differs is named', async (t) => {
  t.equal(whyNoMatch('plant/+/temp', 'plant/1/hum'), 'level 3 is "hum", not "temp"');
  t.equal(
    whyNoMatch('Plant/#', 'plant/1'),
    'level 1 is "plant", not "Plant"; upper and lower case differ',
  );
});

t.test('too few and too many levels are told apart', async (t) => {
  t.equal(
    whyNoMatch('plant/+/temp', 'plant/1'),
    'the topic name has 2 levels, the filter asks for more: 3',
  );
  t.match(whyNoMatch('plant', 'plant/1'), /has 2 levels, the filter only 1: # at its end/);
  t.match(whyNoMatch('a/+', 'a'), /^the topic name has 1 level, the filter asks for more: 2$/);
});

t.test('a topic that begins with $ is explained by the rule', async (t) => {
  for (const filter of ['#', '+/x']) {
    t.match(whyNoMatch(filter, '$SYS/x'), /MQTT-4\.7\.2-1.*begin the filter with \$SYS\//);
  }
});

t.test('every filter that the trie does not find gets a reason that is true', async (t) => {
  const levels = ['a', 'b', '+'];
  const filters = ['#', '+', 'a', 'b'];
  for (const x of levels) for (const y of [...levels, '#']) filters.push(`${x}/${y}`);
  for (const topic of ['a', 'b', 'a/b', 'b/a', 'a/b/a', '$a', '$a/b']) {
    for (const filter of filters) {
      const trie = new FilterTrie<string>();
      trie.add(filter, filter);
      if (trie.match(topic).length > 0) continue;
      const why = whyNoMatch(filter, topic);
      const level = /^level (\d+) is "(.*)", not "(.*)"$/.exec(why);
      if (level !== null) {
        const index = Number(level[1]) - 1;
        t.equal(topic.split('/')[index], level[2], `${filter} ${topic}: ${why}`);
        t.equal(filter.split('/')[index], level[3], `${filter} ${topic}: ${why}`);
        continue;
      }
      const [topicLevels, filterLevels] = [topic.split('/').length, filter.split('/').length];
      if (/asks for more/.test(why)) t.ok(topicLevels < filterLevels, `${filter} ${topic}: ${why}`);
      else if (/the filter only/.test(why)) t.ok(topicLevels > filterLevels, `${filter} ${topic}`);
      else t.ok(topic.startsWith('$') && /^[+#]/.test(filter), `${filter} ${topic}: ${why}`);
    }
  }
});
