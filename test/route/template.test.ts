import t from 'tap';
import { compileTemplate, expandTemplate } from '../../src/route/template.js';

const expand = (source: string, topicName: string, properties: Record<string, string> = {}) =>
  expandTemplate(compileTemplate(source), topicName, (name) => properties[name]);

t.test('a template without parts is the same for every message', async (t) => {
  const template = compileTemplate('machines');
  t.equal(template.constant, 'machines');
  t.notOk(template.usesProperties);
  t.strictSame(expand('machines', 'a/b'), { name: 'machines' });
});

t.test('topic, levels and properties are put in, and / becomes a dot', async (t) => {
  t.strictSame(expand(`\${topic}`, 'plant/1/temp'), { name: 'plant.1.temp' });
  t.strictSame(expand(`\${topic.1}-\${topic.3}`, 'plant/1/temp'), { name: 'plant-temp' });
  t.strictSame(expand(`x.\${property.site}.y`, 'a', { site: 'b/c' }), { name: 'x.b.c.y' });
  t.strictSame(expand(`\${topic.2}\${topic.2}`, 'a/b'), { name: 'bb' });
  t.equal(compileTemplate(`\${topic}`).constant, undefined);
  t.notOk(compileTemplate(`\${topic.1}`).usesProperties);
  t.ok(compileTemplate(`a\${property.x}`).usesProperties);
});

t.test('a property may have any name but one with a closing brace', async (t) => {
  t.strictSame(expand(`\${property.device id.7}`, 'a', { 'device id.7': 'x' }), { name: 'x' });
});

t.test('what the message lacks is a fault that names it', async (t) => {
  t.match(expand(`\${topic.3}`, 'a/b'), { fault: '"a/b" has no level 3' });
  t.match(expand(`\${property.site}`, 'a'), { fault: 'the message has no user property "site"' });
});

t.test('what Kafka forbids is a fault', async (t) => {
  t.match(expand(`\${topic}`, 'a b'), { fault: '" " is forbidden in a Kafka topic' });
  t.match(expand(`\${topic}`, 'é'), { fault: '"é" is forbidden in a Kafka topic' });
  t.match(expand(`\${topic}`, '😀'), { fault: '"😀" is forbidden in a Kafka topic' });
  t.match(expand(`\${topic}`, '$SYS/a'), { fault: '"$" is forbidden in a Kafka topic' });
  t.match(expand(`\${topic.2}`, 'a/'), { fault: '"" cannot be a Kafka topic' });
  t.match(expand(`\${topic}`, '/'), { fault: '"." cannot be a Kafka topic' });
  t.match(expand(`\${topic}`, '//'), { fault: '".." cannot be a Kafka topic' });
  t.strictSame(expand(`\${topic}`, '///'), { name: '...' });
});

t.test('a Kafka topic has at most 249 characters', async (t) => {
  t.strictSame(expand(`\${topic}`, 'a'.repeat(249)), { name: 'a'.repeat(249) });
  t.match(expand(`\${topic}`, 'a'.repeat(250)), {
    fault: 'a Kafka topic of 250 characters; at most 249',
  });
});

t.test(`\${} of another form stays text, which Kafka forbids`, async (t) => {
  t.match(expand(`\${unknown}`, 'a'), { fault: '"$" is forbidden in a Kafka topic' });
});
