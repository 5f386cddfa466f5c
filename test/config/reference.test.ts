import { readFileSync } from 'node:fs';
import t from 'tap';
import { configurationReference } from '../../src/config/reference.js';

t.test('the reference that is checked in is the one that the schemas give', async (t) => {
  const page = new URL('../../../docs/reference/configuration.md', import.meta.url);
  t.equal(
    readFileSync(page, 'utf8'),
    configurationReference(),
    'run: node dist/src/cli/write-reference.js',
  );
});

t.test('the reference says of a field what its schema says', async (t) => {
  const lines = configurationReference().split('\n');
  const row = (field: string) => lines.filter((line) => line.startsWith(`| \`${field}\``));
  t.same(row('instances'), [
    '| `instances` | integer | `1` | 0 to 65535 | no | How many processes share the work; each is told which one it is. |',
  ]);
  t.match(row('shards')[0], '*extension* | integer | cores minus one, at least 1 | 1 to 64 | no |');
  t.match(row('endpoint')[0], '| string |  | not empty | yes |');
  t.match(row('kafkaAcks')[0], '| `one` | `zero`, `one`, `all` | no |');
  t.match(row('authType')[0], '| with `enabled: true` |');
});

t.test('every object has a section of its own', async (t) => {
  const text = configurationReference();
  for (const section of [
    'KafkaConnector spec',
    'KafkaConnector spec.kafkaConnection.authentication.authType.sasl.token',
    'KafkaConnectorTopicMap spec.routes[].mqttToKafka.sharedSubscription',
  ]) {
    t.ok(text.includes(`\n### ${section}\n`), section);
  }
});
