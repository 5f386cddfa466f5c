/* A bench report as text for people. */
import type { BenchReport } from '../bench.js';
import { type BenchOptions, publishes } from '../options.js';
import type { MeasuredPhase } from '../protocol.js';
import type { RoundReport } from '../round.js';
import { isValid, messagesPerSecond, PARTS, summaryOf } from './figures.js';
import type { Spread } from './spread.js';

function format(value: number, digits: number): string {
  return value.toLocaleString('en-US', {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

function describeWriting({ acks, latencyMs }: BenchOptions): string[] {
  return [`acks ${acks}`, latencyMs === undefined ? 'batching off' : `batching ${latencyMs} ms`];
}

function describeLoad(options: BenchOptions): string {
  const parts = [
    options.direction,
    `QoS ${options.qos}`,
    `${format(options.payloadBytes, 0)} B`,
    `${format(options.topics, 0)} topics`,
    ...(publishes(options) ? describeWriting(options) : []),
    `compression ${options.compression}`,
    `copyMqttProperties ${options.copyProperties}`,
    `${options.userProperties} user properties`,
    `Receive Maximum ${format(options.receiveMaximum, 0)}`,
  ];
  if (options.atOnce !== undefined) parts.push(`${options.atOnce} at once`);
  else if (options.rate !== undefined) parts.push(`${format(options.rate, 0)} messages/s offered`);
  else parts.push('saturation');
  return parts.join(', ');
}

export function describeRound(round: RoundReport, number: number): string {
  const cpu = round.cpuUsPerMessage?.total;
  const figures = [
    round.load && describePhase(round.load, round.feed && 'to Kafka'),
    round.feed && describePhase(round.feed, round.load && 'to MQTT'),
    cpu === undefined ? undefined : `${format(cpu, 2)} us CPU a message`,
  ].filter((figure) => figure !== undefined);
  const verdict = round.voidBecause.length === 0 ? '' : `  VOID: ${round.voidBecause.join('; ')}`;
  return `round ${number}: ${figures.join(', ')}${verdict}`;
}

/** @param which says which direction it is, where there are two */
function describePhase(phase: MeasuredPhase, which: string | undefined): string {
  const rate = `${format(messagesPerSecond(phase) ?? 0, 0)} messages/s`;
  const latency = phase.latency === undefined ? '' : `, p99 ${format(phase.latency.p99Ms, 2)} ms`;
  return `${rate}${which === undefined ? '' : ` ${which}`}${latency}`;
}

function describeFigures(report: BenchReport): string[] {
  const summary = summaryOf(report);
  const lines: string[] = [];
  for (const { heading, metrics } of PARTS) {
    const known = metrics.filter(({ name }) => summary[name] !== undefined);
    if (known.length === 0) continue;
    const heads = ['median', 'min', 'max'].map((head) => head.padStart(12));
    lines.push('', `${heading.padEnd(28)}${heads.join('')}`);
    for (const { name, label, digits } of known) {
      const { median, min, max } = summary[name] as Spread;
      const cells = [median, min, max].map((value) => format(value, digits).padStart(12));
      lines.push(`${label.padEnd(28)}${cells.join('')}`);
    }
  }
  return lines;
}

function describeCount({ options, rounds }: BenchReport): string[] {
  if (!publishes(options)) return [];
  const counted = rounds.every(({ records }) => records !== undefined);
  return [counted ? 'All records were counted in Kafka.' : 'Records in Kafka were not counted.'];
}

export function describeBench(report: BenchReport): string {
  const { options } = report;
  const kafka =
    report.kafka === 'as given'
      ? options.kafka
      : 'embedded (librdkafka mock cluster, not a real Kafka)';
  const verdict = isValid(report) ? [] : ['VOID: the figures above mean nothing, see the rounds.'];
  return [
    `load     ${describeLoad(options)}`,
    `kafka    ${kafka}`,
    `machine  ${report.cores} cores, load average ${format(report.loadAverage, 2)} before`,
    ...describeFigures(report),
    '',
    ...describeCount(report),
    ...verdict,
  ].join('\n');
}
