import t from 'tap';
import { placeholdersIn, shieldPlaceholders } from '../../src/config/placeholders.js';
import { check, connector, KAFKA, topicMap } from './documents.js';

t.test('placeholders of documentation are found in a value', async (t) => {
  t.same(placeholdersIn('<NAMESPACE>.servicebus.windows.net:9093'), ['<NAMESPACE>']);
  t.same(placeholdersIn('<SAME NAMESPACE AS BROKER>'), ['<SAME NAMESPACE AS BROKER>']);
  t.same(placeholdersIn('<your-namespace>'), ['<your-namespace>']);
  t.same(placeholdersIn(shieldPlaceholders('v{{% version %}}')), ['{{% version %}}']);
  t.same(placeholdersIn(shieldPlaceholders('{{ .Values.tag }}')), ['{{ .Values.tag }}']);
});

t.test('what only looks a little like a placeholder is none', async (t) => {
  for (const value of ['a < b > c', 'a/<b>/c', '<>', '<1>', 'x>y<', '{}', `\${topic}`]) {
    t.same(placeholdersIn(value), [], value);
  }
});

t.test('shielding keeps the length of a text, so that offsets stay right', async (t) => {
  const text = 'a: {{% version %}}\nb: "{{% namespace %}}" # {{% comment %}}\n';
  t.equal(shieldPlaceholders(text).length, text.length);
});

t.test('a placeholder is one error, and no other is drawn from it', async (t) => {
  const text =
    connector(
      `clientIdPrefix: ok # "{{% in a comment %}}"\nimage:\n  tag: {{% version %}}\n${KAFKA}`,
    ) + topicMap().replace('name: m', 'name: <NAME>');
  t.strictSame(check(text).problems, [
    {
      severity: 'error',
      file: 'test.yaml',
      line: 9,
      resource: 'KafkaConnector/c',
      path: 'spec.image.tag',
      message: 'still has the placeholder {{% version %}}',
      hint: 'fill it in with a value of your own',
    },
    {
      severity: 'error',
      file: 'test.yaml',
      line: 15,
      resource: 'KafkaConnectorTopicMap/<NAME>',
      path: 'metadata.name',
      message: 'still has the placeholder <NAME>',
      hint: 'fill it in with a value of your own',
    },
  ]);
});
