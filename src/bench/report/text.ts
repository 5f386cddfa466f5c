/* A bench report as text for people. */
import type { BenchReport } from '../bench.js';
import { describePayloadMix } from '../load/payload-mix.js';
import { type BenchOptions, payloadOfMessages, publishes, reads } from '../options.js';
import type { MeasuredPhase } from '../protocol.js';
import type { RoundReport } from '../round.js';
import { describeVerification } from '../verify/verification.js';
import { describeBacklogs } from './backlog.js';
import { isValid, messagesPerSecond, PARTS, summaryOf } from './figures.js';
import { formatNumber } from './format.js';
import type { Spread } from './spread.js';
import { textTable } from './table.js';

function describeWriting({ acks, latencyMs }: BenchOptions): string[] {
  return [`acks ${acks}`, latencyMs === undefined ? 'batching off' : `batching ${latencyMs} ms`];
}

const LINE_WIDTH = 80;
const INDENT = ' '.repeat(9);

/** Parts of a list, in lines that begin under the first one. */
function wrapped(parts: readonly string[]): string {
  const lines: string[] = [];
  let line = '';
  for (const part of parts) {
    const longer = line === '' ? part : `${line}, ${part}`;
    if (INDENT.length + longer.length < LINE_WIDTH) line = longer;
    else {
      lines.push(line);
      line = part;
    }
  }
  return [...lines, line].join(`,\n${INDENT}`);
}

/** What a bench was asked to do, one text for each thing. */
export function describeLoad(options: BenchOptions): string[] {
  const parts = [
    options.direction,
    ...describeWay(options),
    `QoS ${options.qos}`,
    describePayloadMix(payloadOfMessages(options)),
    `${formatNumber(options.topics, 0)} topics`,
    ...(options.routes === 1 ? [] : [`${formatNumber(options.routes, 0)} routes`]),
    ...(options.keys === undefined ? [] : [`${formatNumber(options.keys, 0)} keys`]),
    ...(options.skew === 0 ? [] : [`skew ${options.skew}`]),
    ...(publishes(options) ? describeWriting(options) : []),
    `compression ${options.compression}`,
    `copyMqttProperties ${options.copyProperties}`,
    `${options.userProperties} user properties`,
    ...(options.systemProperties ? ['system properties'] : []),
    `Receive Maximum ${formatNumber(options.receiveMaximum, 0)}`,
  ];
  if (options.atOnce !== undefined) parts.push(`${options.atOnce} at once`);
  else if (options.rate !== undefined)
    parts.push(`${formatNumber(options.rate, 0)} messages/s offered`);
  else parts.push('saturation');
  return parts;
}

function describeWay({ throughBroker, connections }: BenchOptions): string[] {
  return [
    ...(throughBroker === undefined ? [] : [`through ${throughBroker.host}:${throughBroker.port}`]),
    ...(connections === 1 ? [] : [`${formatNumber(connections, 0)} connections`]),
  ];
}

export function describeRound(round: RoundReport, number: number): string {
  const cpu = round.cpuUsPerMessage?.total;
  const figures = [
    round.load && describePhase(round.load, round.feed && 'to Kafka'),
    round.feed && describePhase(round.feed, round.load && 'to MQTT'),
    cpu === undefined ? undefined : `${formatNumber(cpu, 2)} us CPU a message`,
  ].filter((figure) => figure !== undefined);
  const verdict = round.voidBecause.length === 0 ? '' : `  VOID: ${round.voidBecause.join('; ')}`;
  return `round ${number}: ${figures.join(', ')}${verdict}`;
}

/** @param which says which direction it is, where there are two */
function describePhase(phase: MeasuredPhase, which: string | undefined): string {
  const rate = `${formatNumber(messagesPerSecond(phase) ?? 0, 0)} messages/s`;
  const latency =
    phase.latency === undefined ? '' : `, p99 ${formatNumber(phase.latency.p99Ms, 2)} ms`;
  return `${rate}${which === undefined ? '' : ` ${which}`}${latency}`;
}

/** Label and figures of every part's table: together less than 80 characters. */
const LABEL_WIDTH = 36;
const FIGURE_WIDTH = 13;

function describeFigures(report: BenchReport, colour: boolean): string[] {
  const summary = summaryOf(report);
  // Of one round there is no spread to tell of.
  const points = (['median', 'min', 'max'] as const).slice(0, report.rounds.length > 1 ? 3 : 1);
  const widths = [LABEL_WIDTH, ...points.map(() => FIGURE_WIDTH)];
  return PARTS.flatMap(({ heading, metrics }) => {
    const rows = metrics
      .filter(({ name }) => summary[name] !== undefined)
      .map(({ name, label, digits }) => {
        const spread = summary[name] as Spread;
        return [label, ...points.map((point) => formatNumber(spread[point], digits))];
      });
    if (rows.length === 0) return [];
    return ['', ...textTable({ heads: [heading, ...points], widths, colour }, rows)];
  });
}

/** What is known of the records: of the last round, or of the first that is not good. */
function describeRecords({ options, rounds }: BenchReport): string[] {
  const round = rounds.find(({ voidBecause }) => voidBecause.length > 0) ?? rounds.at(-1);
  const verification = round?.verification;
  return [
    ...(verification === undefined ? [] : [describeVerification(verification)]),
    ...(reads(options) ? ['Every PUBLISH was compared with the record that was written.'] : []),
  ];
}

function describeMachine({ machine, loadAverage }: BenchReport): string[] {
  return [
    `${machine.cores} cores (${machine.cpu})`,
    machine.kernel,
    `Node ${machine.node}`,
    `librdkafka ${machine.librdkafka}`,
    `load average ${formatNumber(loadAverage, 2)} before`,
  ];
}

/** What a Kafka that is far away allows at most. */
function describeWindow(options: BenchOptions): string[] {
  const { kafkaRttMs, receiveMaximum } = options;
  if (kafkaRttMs === undefined || !publishes(options)) return [];
  return [
    `window   at most ${formatNumber((receiveMaximum * 1000) / kafkaRttMs, 0)} messages/s: ` +
      `Receive Maximum ${formatNumber(receiveMaximum, 0)} in a round trip of ${kafkaRttMs} ms`,
  ];
}

/** @param colour for a terminal that shows it */
export function describeBench(report: BenchReport, colour = false): string {
  const { options } = report;
  const kafka =
    report.kafka === 'as given'
      ? options.kafka
      : 'embedded (librdkafka mock cluster, not a real Kafka)';
  const verdict = isValid(report) ? [] : ['VOID: the figures above mean nothing, see the rounds.'];
  return [
    `load     ${wrapped(describeLoad(options))}`,
    `kafka    ${kafka}`,
    ...describeWindow(options),
    `machine  ${wrapped(describeMachine(report))}`,
    ...describeFigures(report, colour),
    '',
    ...describeRecords(report),
    ...describeBacklogs(report),
    ...verdict,
  ].join('\n');
}
