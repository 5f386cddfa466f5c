import t from 'tap';
import {
  kafkaTopicFault,
  kafkaTopicTemplateFault,
  shareNameFault,
  splitSharedFilter,
  topicFilterFault,
  topicNameFault,
} from '../../../src/config/rules/names.js';

t.test('topic filters that MQTT 5 allows are right', async (t) => {
  for (const filter of [
    '#',
    '+',
    '/',
    '//',
    'a',
    'a/+/b',
    '+/+/#',
    'a/#',
    '$SYS/#',
    ' ',
    'a b/ü',
    '$share/g/#',
    '$share/g//a',
    '$share',
    'a/$share/b',
    'x'.repeat(65_535),
  ]) {
    t.equal(topicFilterFault(filter), undefined, filter.slice(0, 20));
  }
});

for (const [filter, message] of [
  ['a/#/b', '# must be the whole of the last level'],
  ['a#', '# must be the whole of the last level'],
  ['a/#b', '# must be the whole of the last level'],
  ['##', '# must be the whole of the last level'],
  ['a+', '+ must be the whole of its level'],
  ['a/+b/c', '+ must be the whole of its level'],
  ['++', '+ must be the whole of its level'],
  ['a\0b', 'has a null character (U+0000)'],
  ['a\ud800b', 'has half of a surrogate pair'],
  ['ü'.repeat(32_768), 'takes 65536 bytes in UTF-8'],
  ['$share//a', 'the share name is empty'],
  ['$share/', 'the share name is empty'],
  ['$share/g', 'has no topic filter'],
  ['$share/g/', 'has no topic filter'],
  ['$share/g+/a', 'the share name has a /, + or # in it'],
  ['$share/#/a', 'the share name has a /, + or # in it'],
  ['$share/g/a/#/b', '# must be the whole of the last level'],
] as const) {
  t.test(`the topic filter ${JSON.stringify(filter.slice(0, 20))} is refused`, async (t) => {
    t.equal(topicFilterFault(filter)?.message, message);
    t.not(topicFilterFault(filter)?.hint, '');
  });
}

t.test('a shared filter is cut at its first two slashes only', async (t) => {
  t.strictSame(splitSharedFilter('$share/g/a/b/#'), { groupName: 'g', topicFilter: 'a/b/#' });
  t.strictSame(splitSharedFilter('$share/g'), { groupName: 'g', topicFilter: '' });
  t.equal(splitSharedFilter('$shared/g/a'), undefined);
  t.equal(splitSharedFilter('a/$share/g/b'), undefined);
});

t.test('a share name is a name and no filter', async (t) => {
  t.equal(shareNameFault('group 1'), undefined);
  for (const name of ['', 'a/b', 'a+', '#']) t.ok(shareNameFault(name), name);
});

t.test('a topic name is a filter without wildcards', async (t) => {
  t.equal(topicNameFault('heater/commands'), undefined);
  for (const name of ['a/+', '#', 'a\0', 'x'.repeat(65_536)]) t.ok(topicNameFault(name));
});

t.test('Kafka topics have up to 249 letters, digits, dots, lines and hyphens', async (t) => {
  for (const name of ['a', 'A.b_c-9', '...', 'x'.repeat(249)]) {
    t.equal(kafkaTopicFault(name), undefined, name.slice(0, 20));
  }
  for (const [name, message] of [
    ['', 'is empty'],
    ['.', '"." is no Kafka topic'],
    ['..', '".." is no Kafka topic'],
    ['a/b', '"/" is not allowed in a Kafka topic'],
    ['a b', '" " is not allowed in a Kafka topic'],
    ['ü', '"ü" is not allowed in a Kafka topic'],
    ['a😀', '"😀" is not allowed in a Kafka topic'],
    ['x'.repeat(250), 'has 250 characters'],
  ] as const) {
    t.equal(kafkaTopicFault(name)?.message, message, name.slice(0, 20));
  }
});

for (const [written, filter] of [
  [`\${topic}`, 'a/#'],
  [`plant-\${topic.1}.\${topic.2}`, 'a/+'],
  [`\${topic.9}`, 'a/#'],
  [`\${topic.65535}`, '#'],
  [`\${property.device id/é}`, 'a'],
  [`x.\${property.a}\${topic}`, 'a'],
] as const) {
  t.test(`the template ${written} is right for ${filter}`, async (t) => {
    t.equal(kafkaTopicTemplateFault(written, filter), undefined);
  });
}

for (const [written, message] of [
  [`\${topic`, `a "\${" is not closed`],
  [`\${topci}`, `\${topci} is not known`],
  [`\${}`, `\${} is not known`],
  [`\${TOPIC}`, `\${TOPIC} is not known`],
  [`\${topic.0}`, `\${topic.0} names no level of the topic`],
  [`\${topic.01}`, `\${topic.01} names no level of the topic`],
  [`\${topic.}`, `\${topic.} names no level of the topic`],
  [`\${topic.-1}`, `\${topic.-1} names no level of the topic`],
  [`\${topic.3}`, `\${topic.3} asks for level 3`],
  [`\${property.}`, `\${property.} names no user property`],
  [`a/\${topic}`, '"/" is not allowed in a Kafka topic'],
  ['$topic', '"$" is not allowed in a Kafka topic'],
  [`\${topic}}`, '"}" is not allowed in a Kafka topic'],
  [`\${topic}${'x'.repeat(250)}`, 'has 250 characters'],
] as const) {
  t.test(`the template ${written.slice(0, 20)} is refused for a/+`, async (t) => {
    t.equal(kafkaTopicTemplateFault(written, 'a/+')?.message, message);
  });
}
