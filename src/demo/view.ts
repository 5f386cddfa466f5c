/* The live view: one screen that is drawn over and over. */
import { createLogUpdate } from 'log-update';
import { bytes, count, fit, milliseconds } from './format.js';
import type { Latency } from './latency.js';
import type { CommandProgress, Flow, RouteProgress, Snapshot } from './progress.js';

/** What both views do. */
export interface View {
  readonly intervalMs: number;
  show(snapshot: Snapshot, state: string): void;
  /** Leaves what was shown last on the screen. */
  close(): void;
}

export interface Terminal extends NodeJS.WritableStream {
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

const INTERVAL_MS = 250;
const COLUMNS_DEFAULT = 80;
const ROWS_DEFAULT = 24;
const BOLD = '\u001b[1m';
const DIM = '\u001b[2m';
const RESET = '\u001b[0m';

export interface Line {
  readonly text: string;
  readonly style?: 'bold' | 'dim';
}

export function liveView(terminal: Terminal, color: boolean): View {
  const update = createLogUpdate(terminal as NodeJS.WriteStream);
  return {
    intervalMs: INTERVAL_MS,
    show: (snapshot, state) => {
      const { columns = COLUMNS_DEFAULT, rows = ROWS_DEFAULT } = terminal;
      const lines = frame(snapshot, state, rows - 1).map((line) => paint(line, columns - 1, color));
      update(lines.join('\n'));
    },
    close: () => update.done(),
  };
}

/** The screen, for any width; the last records take what `rows` leave. */
export function frame(snapshot: Snapshot, state: string, rows: number): Line[] {
  const { publishedBytes, latency, residentBytes, recent } = snapshot;
  const seconds = Math.floor(snapshot.elapsedSeconds);
  const memory = `memory ${bytes(residentBytes)}`;
  const lines: Line[] = [
    { text: `Millrace demo   ${seconds} s   ${state}   ${memory}`, style: 'bold' },
    { text: `${' '.repeat(34)}a second        total`, style: 'dim' },
    flowLine(
      'devices -> MQTT broker',
      snapshot.published,
      `   ${bytes(publishedBytes.perSecond)}/s`,
    ),
    flowLine('Millrace -> Kafka', snapshot.delivered),
    flowLine('Millrace -> MQTT broker, PUBACKs', snapshot.acknowledged),
    flowLine('Kafka -> reader', snapshot.readBack),
    { text: `  in flight ${count(snapshot.inFlight)}${quickness(latency)}` },
    { text: '' },
    ...commandLines(snapshot.commands),
    { text: '' },
    ...routeLines(snapshot.routes),
    { text: '  last records in Kafka', style: 'bold' },
  ];
  const each = Math.max(1, Math.floor((rows - lines.length) / Math.max(1, recent.length)));
  const shown = recent.flatMap((ofTopic) => ofTopic.slice(0, each));
  return [...lines, ...shown.map((text) => ({ text: `  ${text}` }))].slice(0, rows);
}

function quickness(latency: Latency | undefined): string {
  if (latency === undefined) return '';
  const [half, most] = [milliseconds(latency.p50Ms), milliseconds(latency.p99Ms)];
  return `   PUBLISH to PUBACK: half within ${half}, 99% within ${most}`;
}

function commandLines({ written, received, answered, readBack, ...latency }: CommandProgress) {
  return [
    flowLine('operator -> Kafka, commands', written),
    flowLine('Millrace -> machines', received, half(latency.toMachine)),
    flowLine('machines -> MQTT broker, answers', answered),
    flowLine('Kafka -> reader, answers', readBack, half(latency.toReader)),
  ];
}

function half(latency: Latency | undefined): string {
  return latency === undefined ? '' : `  half within ${milliseconds(latency.p50Ms)}`;
}

function flowLine(name: string, { total, perSecond }: Flow, more = ''): Line {
  const numbers = `${count(perSecond).padStart(10)}${count(total).padStart(13)}`;
  return { text: `  ${name.padEnd(32)}${numbers}${more}` };
}

/** A table: a line for each route, with a column for each partition. */
export function routeLines(routes: readonly RouteProgress[]): Line[] {
  const partitions = Math.max(0, ...routes.map((route) => route.partitions.length));
  const names = Array.from({ length: partitions }, (_, i) =>
    (i === 0 ? 'in partition 0' : `${i}`).padStart(i === 0 ? 15 : 10),
  );
  const head = `  ${'route'.padEnd(10)}${'a second'.padStart(8)}${'records'.padStart(11)}`;
  return [
    { text: `${head}${names.join('')}`, style: 'dim' },
    ...routes.map(({ route, readBack, partitions: counts }) => {
      const cells = counts.map((each, i) => count(each).padStart(i === 0 ? 15 : 10)).join('');
      const rates = `${count(readBack.perSecond).padStart(8)}${count(readBack.total).padStart(11)}`;
      return { text: `  ${route.padEnd(10)}${rates}${cells}` };
    }),
  ];
}

function paint({ text, style }: Line, width: number, color: boolean): string {
  const cut = fit(text, width);
  if (!color || style === undefined) return cut;
  return `${style === 'bold' ? BOLD : DIM}${cut}${RESET}`;
}
