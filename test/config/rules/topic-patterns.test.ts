import assert from 'node:assert/strict';
import t from 'tap';
import {
  filterPattern,
  kafkaTopicPattern,
  meetsFilter,
  mqttTopicPattern,
  patternIs,
  patternsMeet,
} from '../../../src/config/rules/topic-patterns.js';
import { forSeeds, type Random } from '../../support/random.js';
import { filterMatches } from '../../support/topic-filters.js';

/* Patterns against what they stand for, written out: all texts of a few characters. */

const CHARACTERS = ['a', '/'];
const TEXTS = textsUpTo(7);

function textsUpTo(length: number): string[] {
  if (length === 0) return [''];
  const shorter = textsUpTo(length - 1);
  const longest = shorter.filter((text) => text.length === length - 1);
  return [...shorter, ...longest.flatMap((text) => CHARACTERS.map((each) => text + each))];
}

/** A template of at most `most` pieces, and what it stands for. */
function randomTemplate(random: Random, most: number): { template: string; texts: RegExp } {
  const pieces = Array.from({ length: random.between(1, most) }, () =>
    random.pick(['a', '/', `\${key}`, `\${partition}`]),
  );
  const source = pieces.map((each) => {
    if (each === `\${key}`) return '[^]*';
    return each === `\${partition}` ? '[^/]*' : each;
  });
  return { template: pieces.join(''), texts: new RegExp(`^${source.join('')}$`) };
}

const FILTERS = ['a', 'a/a', '+', '#', 'a/#', '+/#', 'a/+', '+/a', '/', '/+', 'a/+/#', '/#'];

t.test('two patterns meet where a text is of both', (t) =>
  forSeeds(t, 3_000, (random) => {
    const a = randomTemplate(random, 3);
    const b = randomTemplate(random, 3);
    const meet = TEXTS.some((text) => a.texts.test(text) && b.texts.test(text));
    const said = patternsMeet(mqttTopicPattern(a.template, ''), mqttTopicPattern(b.template, ''));
    assert.equal(said, meet, `${a.template} and ${b.template}`);
  }),
);

t.test('a template meets a filter never, sometimes or always', (t) =>
  forSeeds(t, 3_000, (random) => {
    const { template, texts } = randomTemplate(random, 4);
    const filter = random.pick(FILTERS);
    // MQTT has no empty topic name.
    const names = TEXTS.filter((text) => text !== '' && texts.test(text));
    const matching = names.filter((name) => filterMatches(filter, name));
    const said = meetsFilter(mqttTopicPattern(template, ''), filterPattern(filter));
    const context = `${template} and ${filter}: ${said}`;
    if (said === 'never') assert.equal(matching.length, 0, context);
    if (said === 'always') assert.equal(matching.length, names.length, context);
    if (matching.length === 0) assert.notEqual(said, 'always', context);
    // An empty text, which is no topic name, may be why it says that they could meet.
    const few = names.length === 0 || texts.test('');
    if (!few && matching.length === 0) assert.equal(said, 'never', context);
  }),
);

t.test('what is longer than anybody writes is taken to meet', async (t) => {
  const long = mqttTopicPattern(`\${key}${'a'.repeat(4_000)}`, '');
  t.ok(patternsMeet(long, mqttTopicPattern(`\${key}${'b'.repeat(4_000)}`, '')));
});

t.test('a Kafka topic is known as far as the MQTT topic is', async (t) => {
  const topic = mqttTopicPattern(`a/\${partition}/b/\${key}`, '');
  const is = (template: string, text: string) => {
    const pattern = kafkaTopicPattern(template, topic);
    return pattern === undefined ? undefined : patternIs(pattern, text);
  };
  t.equal(is(`\${topic.1}-\${topic.3}`, 'a-b'), 'always');
  t.equal(is(`\${topic.2}`, '7'), 'sometimes');
  t.equal(is(`\${topic.5}`, 'x'), 'sometimes');
  t.equal(is(`\${topic}`, 'a.7.b.c.d'), 'sometimes');
  t.equal(is(`\${topic}`, 'b.7.b.c.d'), 'never');
  t.equal(is(`\${property.p}`, 'anything'), 'sometimes');
  t.equal(kafkaTopicPattern(`\${topic.3}`, mqttTopicPattern('a/b', '')), undefined);
});
