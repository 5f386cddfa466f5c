import t from 'tap';
import {
  countSteps,
  type Outcome,
  reportJson,
  type Step,
  Steps,
  stepLine,
  summaryLine,
} from '../../src/doctor/report.js';

const step = (outcome: Outcome, changes: Partial<Step> = {}): Step => ({
  connector: 'c',
  side: 'mqtt',
  check: 'tls',
  subject: 'broker:8883',
  outcome,
  text: 'found',
  ...changes,
});

t.test('a line has a mark for its outcome', async (t) => {
  t.equal(stepLine(step('passed'), false), '  ✓ MQTT TLS broker:8883: found\n');
  t.equal(stepLine(step('warning'), false), '  ! MQTT TLS broker:8883: found\n');
  t.equal(stepLine(step('skipped'), false), '  – MQTT TLS broker:8883: found\n');
  const kafka = step('failed', { side: 'kafka', check: 'size', subject: 't' });
  t.equal(stepLine(kafka, false), '  ✗ Kafka message size t: found\n');
});

t.test('a terminal gets colours, and nothing rewrites it', async (t) => {
  t.equal(stepLine(step('failed'), true), '  \u001b[31m✗\u001b[0m MQTT TLS broker:8883: found\n');
  const line = stepLine(step('passed', { text: '\u001b[2Jx\n\u202ey' }), false);
  t.equal(line, '  ✓ MQTT TLS broker:8883: \\u{1b}[2Jx\\u{a}\\u{202e}y\n');
});

t.test('warnings and what is skipped do not fail', async (t) => {
  const steps = [step('passed'), step('warning'), step('skipped')];
  t.strictSame(countSteps(steps), { failed: 0, warnings: 1 });
  t.equal(summaryLine(steps), 'all would work: 0 checks failed, 1 warning\n');
  const failing = [...steps, step('failed')];
  t.equal(summaryLine(failing), 'not all would work: 1 check failed, 1 warning\n');
  t.strictSame(JSON.parse(reportJson(failing)), {
    format: 1,
    ok: false,
    failed: 1,
    warnings: 1,
    steps: failing,
  });
});

t.test('steps that are made beside others come when they are released', async (t) => {
  const seen: string[] = [];
  const steps = new Steps('c', 'kafka', ({ subject }) => seen.push(subject));
  const aside = steps.aside();
  aside.steps.add('passed', 'tcp', 'second', '');
  steps.add('passed', 'tcp', 'first', '');
  aside.release();
  aside.release();
  t.strictSame(seen, ['first', 'second']);
});
