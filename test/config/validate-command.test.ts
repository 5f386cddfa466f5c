import { join } from 'node:path';
import t from 'tap';
import { validateCommand } from '../../src/cli/validate.js';
import { connector, topicMap } from './documents.js';

async function* nothing(): AsyncGenerator<string> {}

async function run(files: readonly string[], options: { json?: boolean; stdin?: string } = {}) {
  let output = '';
  const stdin = options.stdin === undefined ? nothing() : [options.stdin];
  const code = await validateCommand(
    { files, instanceId: 0, json: options.json ?? false },
    {
      stdin: (async function* () {
        yield* stdin;
      })(),
      stdout: {
        write: (text) => {
          output += text;
        },
      },
    },
  );
  return { code, output };
}

t.test('a valid configuration is summed up, with exit code 0', async (t) => {
  const stdin = connector() + topicMap();
  t.same(await run(['-'], { stdin }), {
    code: 0,
    output: 'valid: connectors 1, topic maps 1, routes 1\n',
  });
});

t.test('problems are printed with exit code 2', async (t) => {
  const file = join(t.testdir({ 'a.yaml': connector('instances: x') + topicMap() }), 'a.yaml');
  const { code, output } = await run([file]);
  t.equal(code, 2);
  t.equal(
    output,
    [
      `${file}:6: error: KafkaConnector/c spec.kafkaConnection: is missing`,
      '    must be a mapping of fields to values. The connection to Kafka or to Event Hubs.',
      `${file}:7: error: KafkaConnector/c spec.instances: is a string`,
      '    must be a whole number from 0 to 65535, without quotes',
      '2 errors, 0 warnings',
      '',
    ].join('\n'),
  );
});

t.test('programs get JSON and the same exit code', async (t) => {
  const { code, output } = await run(['-'], { json: true, stdin: 'kind: x' });
  t.equal(code, 2);
  const { valid, errors, problems } = JSON.parse(output);
  t.equal(valid, false);
  t.equal(errors, 2);
  t.match(problems, [{ path: 'kind' }, { message: 'there is no KafkaConnector' }]);
  const good = await run(['-'], { json: true, stdin: connector() + topicMap() });
  t.same(JSON.parse(good.output), { valid: true, errors: 0, warnings: 0, problems: [] });
  t.equal(good.code, 0);
});
