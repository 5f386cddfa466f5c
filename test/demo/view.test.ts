import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { Commands } from '../../src/demo/commands.js';
import { plainView } from '../../src/demo/plain-view.js';
import { Plants } from '../../src/demo/plants.js';
import { Progress } from '../../src/demo/progress.js';
import { Reconciliation } from '../../src/demo/reconcile.js';
import { stampedJson } from '../../src/demo/stamp.js';
import { frame, liveView } from '../../src/demo/view.js';
import { ManualClock } from '../support/manual-clock.js';

const ROUTES = ['telemetry', 'events', 'pictures', 'answers'];

/** A demo that carries messages to Kafka, and commands with their answers. */
function scene(topics: readonly string[] = ['readings']) {
  const clock = new ManualClock();
  const reconciliation = new Reconciliation(
    topics.map((kafkaTopic, i) => ({ route: ROUTES[i] ?? '', kafkaTopic })),
  );
  const commands = new Commands(clock.monotonicMs());
  const plants = new Plants(() => 0.5);
  let delivered = 0;
  const progress = new Progress({
    reconciliation,
    commands,
    delivered: () => delivered,
    inFlight: () => 7,
    nowMs: () => clock.monotonicMs(),
  });
  const carry = (count: number, text = 'fine', latencyMs = 4, at = 0) => {
    const [route = '', kafkaTopic = ''] = [ROUTES[at], topics[at]];
    for (let i = 0; i < count; i++) {
      const payload = Buffer.from(stampedJson(reconciliation.nextId, { text }));
      reconciliation.onPublish({ route, topic: 'a/b', payload }, 0);
      delivered += 1;
      reconciliation.onPuback(payload, 0, latencyMs);
      progress.onAcknowledged(latencyMs);
      const place = { kafkaTopic, partition: i % 2, offset: i, key: 'a/b' };
      const record = { ...place, mqttTopic: 'a/b', payload };
      reconciliation.onRecord(record);
      progress.onRecord(record);
    }
  };
  const command = (toMachineMs: number, toReaderMs: number) => {
    const nowMs = clock.monotonicMs();
    const given = plants.command(commands.nextId, 0);
    const { correlationData } = given;
    commands.onReport(commands.onSend(given, nowMs), true);
    const payload = Buffer.from(given.payload);
    const userProperties = new Map(Object.entries({ operator: given.operator, Key: given.key }));
    commands.onReceived({ ...given, payload, userProperties }, nowMs + toMachineMs);
    commands.onAnswered(correlationData, 0);
    commands.onAnswerRead(correlationData, nowMs + toMachineMs + toReaderMs);
  };
  return { clock, progress, carry, command };
}

t.test('rates are those of the last second, totals those since the start', async (t) => {
  const { clock, progress, carry } = scene();
  for (let i = 0; i < 8; i++) {
    carry(100);
    clock.advance(250);
    progress.snapshot();
  }
  carry(50);
  clock.advance(250);
  const { published, delivered, acknowledged, readBack, routes } = progress.snapshot();
  t.equal(published.total, 850);
  for (const { total, perSecond } of [delivered, acknowledged, readBack]) {
    t.equal(total, 850);
    t.ok(perSecond > 300 && perSecond < 400, `${perSecond}`);
  }
  t.strictSame(routes[0]?.partitions, [425, 425]);
});

t.test('a rate falls to zero when nothing moves any more', async (t) => {
  const { clock, progress, carry } = scene();
  carry(100);
  for (let i = 0; i < 3; i++) {
    progress.snapshot();
    clock.advance(1_000);
  }
  t.equal(progress.snapshot().published.perSecond, 0);
});

t.test(
  'the first second, of connecting, does not count into the latency of the whole',
  async (t) => {
    const { clock, progress, carry } = scene();
    carry(100, 'fine', 500);
    t.equal(progress.wholeLatency, undefined);
    clock.advance(1_200);
    carry(100, 'fine', 500);
    t.equal(progress.wholeLatency, undefined, 'acknowledged later, but published then');
    carry(100, 'fine', 4);
    t.ok((progress.wholeLatency?.p99Ms ?? Infinity) < 5);
  },
);

t.test('the live view fits its screen and still shows the last records', async (t) => {
  const { clock, progress, carry } = scene();
  carry(10);
  clock.advance(250);
  const snapshot = progress.snapshot();
  for (const rows of [5, 16, 23, 60]) t.ok(frame(snapshot, 'running', rows).length <= rows);
  const text = frame(snapshot, 'running', 23).map((line) => line.text);
  t.match(text.join('\n'), /in flight 7 .* half within 4\.\d ms/);
  t.match(text.join('\n'), /telemetry +40 +10 +5 +5\n/);
  t.match(text.at(-1), /readings\[\d\]@\d +a\/b +\{"demoId":/);
});

t.test('commands and their answers are shown, with how long each way took', async (t) => {
  const { clock, progress, command } = scene();
  clock.advance(1_000);
  for (let i = 0; i < 3; i++) command(40, 8);
  const snapshot = progress.snapshot();
  const text = frame(snapshot, 'running', 23).map((line) => line.text);
  t.match(text.join('\n'), /operator -> Kafka, commands +3 +3\n/);
  t.match(text.join('\n'), /Millrace -> machines +3 +3 {2}half within 40 ms\n/);
  t.match(text.join('\n'), /machines -> MQTT broker, answers +3 +3\n/);
  t.match(text.join('\n'), /Kafka -> reader, answers +3 +3 {2}half within 8\.\d ms\n/);
});

t.test('on 80 columns and 24 rows nothing is cut, and each Kafka topic has a record', async (t) => {
  const topics = ['telemetry', 'events', 'pictures', 'answers'];
  const { clock, progress, carry, command } = scene(topics);
  clock.advance(1_000);
  for (const at of topics.keys()) carry(9_999, 'fine', 99_999, at);
  command(5_000, 5_000);
  clock.advance(250);
  const lines = frame(progress.snapshot(), 'running; Ctrl-C ends it', 23).map(({ text }) => text);
  const head = lines.findIndex((line) => line.includes('last records in Kafka'));
  t.same(
    lines.slice(head + 1).map((line) => /(\w+)\[/.exec(line)?.[1]),
    topics,
  );
  for (const line of lines.slice(0, head)) t.ok(line.length < 80, line);
});

t.test('what a payload holds cannot control the terminal', async (t) => {
  const { clock, progress, carry } = scene();
  carry(1);
  const snapshot = () => {
    clock.advance(250);
    return progress.snapshot();
  };
  const payload = Buffer.from('\u001b[2J\u0007bell\u202e\nsecond line');
  const place = { kafkaTopic: 'readings', partition: 0, offset: 1, key: '', mqttTopic: 'x\u001b' };
  progress.onRecord({ ...place, payload });
  const [line] = snapshot().recent[0] ?? [];
  t.match(line, /x\. +\.\[2J\.bell\.$/);
});

t.test('lines are cut to the width of the terminal', async (t) => {
  const { progress, carry } = scene();
  carry(3, 'x'.repeat(100));
  const terminal = Object.assign(new PassThrough(), { isTTY: true, columns: 50, rows: 30 });
  const view = liveView(terminal, false);
  view.show(progress.snapshot(), 'running');
  view.close();
  const written = String(terminal.read());
  const lines = written.split('\n').filter((line) => line.includes('readings['));
  t.equal(lines.length, 3);
  for (const line of lines) t.ok(stripVTControlCharacters(line).length < 50, line);
});

t.test('the plain view writes a line each time, and details now and then', async (t) => {
  const { clock, progress, carry } = scene();
  const output = new PassThrough();
  const view = plainView(output);
  for (let i = 0; i < 5; i++) {
    carry(20);
    clock.advance(1_000);
    view.show(progress.snapshot(), 'running');
  }
  const lines = String(output.read()).trimEnd().split('\n');
  t.match(
    lines[3],
    /^4 s running: .*published 80, acknowledged 80, read back 80 .*; commands 0, received 0, answered 0$/,
  );
  t.equal(lines.filter((line) => line.includes(' s running: ')).length, 5);
  t.match(lines[6], /telemetry +20 +100 +50 +50/);
  t.match(lines.at(-1), /readings\[/);
});
