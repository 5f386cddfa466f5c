import t from 'tap';
import type { Problem } from '../../src/base/errors.js';
import { formatProblems, formatProblemsAsJson, wantsColor } from '../../src/config/report.js';

const ERROR: Problem = {
  severity: 'error',
  file: 'a.yaml',
  line: 7,
  resource: 'KafkaConnectorTopicMap/my-map',
  path: 'spec.routes[1].mqttToKafka.qos',
  message: 'QoS 2 is not supported',
  hint: 'use 1',
};
const WARNING: Problem = { ...ERROR, severity: 'warning', path: '', message: 'idle', hint: '' };

t.test('a problem is a line that editors understand, with the hint below it', async (t) => {
  t.equal(
    formatProblems([ERROR, WARNING, WARNING], { color: false }),
    [
      'a.yaml:7: error: KafkaConnectorTopicMap/my-map spec.routes[1].mqttToKafka.qos: QoS 2 is not supported',
      '    use 1',
      'a.yaml:7: warning: KafkaConnectorTopicMap/my-map: idle',
      'a.yaml:7: warning: KafkaConnectorTopicMap/my-map: idle',
      '1 error, 2 warnings',
      '',
    ].join('\n'),
  );
});

t.test('what is not known of a problem is left out', async (t) => {
  const bare = { ...ERROR, line: 0, resource: '', path: '', hint: '' };
  const lines = [bare, { ...bare, file: '' }, { ...bare, file: '-', line: 2 }].map(
    (problem) => formatProblems([problem], { color: false }).split('\n')[0],
  );
  t.same(lines, [
    'a.yaml: error: QoS 2 is not supported',
    'error: QoS 2 is not supported',
    '(standard input):2: error: QoS 2 is not supported',
  ]);
});

t.test('no problems are nothing to print', async (t) => {
  t.equal(formatProblems([], { color: true }), '');
});

t.test('colour is only there when it is asked for', async (t) => {
  const control = '\u001b';
  t.match(formatProblems([ERROR, WARNING], { color: true }), `${control}[31merror`);
  t.match(formatProblems([ERROR, WARNING], { color: true }), `${control}[33mwarning`);
  t.notMatch(formatProblems([ERROR, WARNING], { color: false }), control);
  const terminal = { isTTY: true, write: () => true };
  t.equal(wantsColor(terminal, {}), true);
  t.equal(wantsColor(terminal, { NO_COLOR: '1' }), false);
  t.equal(wantsColor({ write: () => true }, {}), false);
});

t.test('a file cannot write to the terminal through its problems', async (t) => {
  const hostile = { ...ERROR, file: 'a\u001b[2J', message: 'b\nfake: error\u202e', hint: '\u0007' };
  const text = formatProblems([hostile], { color: false });
  t.equal(text.split('\n').length, 4);
  t.match(text, 'a\\u{1b}[2J:7: error: ');
  t.match(text, 'b\\u{a}fake: error\\u{202e}');
  t.match(text, '    \\u{7}\n');
});

t.test('programs get the same problems as JSON', async (t) => {
  t.strictSame(JSON.parse(formatProblemsAsJson([ERROR, WARNING])), {
    valid: false,
    errors: 1,
    warnings: 1,
    problems: [ERROR, WARNING],
  });
  t.equal(JSON.parse(formatProblemsAsJson([WARNING])).valid, true);
});
