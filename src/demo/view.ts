/* The live view: one screen that is drawn over and over. */
import { createLogUpdate } from 'log-update';
import { bytes, count, fit, milliseconds } from './format.js';
import type { Flow, RouteProgress, Snapshot } from './progress.js';

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
}

const INTERVAL_MS = 250;
const COLUMNS_DEFAULT = 80;
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
      const width = (terminal.columns ?? COLUMNS_DEFAULT) - 1;
      const lines = frame(snapshot, state).map((line) => paint(line, width, color));
      update(lines.join('\n'));
    },
    close: () => update.done(),
  };
}

/** The screen, for any width. */
export function frame(snapshot: Snapshot, state: string): Line[] {
  const { publishedBytes, latency } = snapshot;
  const quick =
    latency === undefined
      ? ''
      : `   PUBLISH to PUBACK: half within ${milliseconds(latency.p50Ms)}, 99% within ${milliseconds(latency.p99Ms)}`;
  return [
    { text: `Millrace demo   ${Math.floor(snapshot.elapsedSeconds)} s   ${state}`, style: 'bold' },
    { text: '' },
    { text: `${' '.repeat(34)}a second        total`, style: 'dim' },
    flowLine(
      'devices -> MQTT broker',
      snapshot.published,
      `   ${bytes(publishedBytes.perSecond)}/s`,
    ),
    flowLine('Millrace -> Kafka', snapshot.delivered),
    flowLine('Millrace -> MQTT broker, PUBACKs', snapshot.acknowledged),
    flowLine('Kafka -> reader', snapshot.readBack),
    { text: '' },
    { text: `  in flight ${count(snapshot.inFlight)}${quick}` },
    { text: `  memory of this process ${bytes(snapshot.residentBytes)}`, style: 'dim' },
    { text: '' },
    ...routeLines(snapshot.routes),
    { text: '' },
    { text: '  last records in Kafka', style: 'bold' },
    ...snapshot.recent.map((text) => ({ text: `  ${text}` })),
  ];
}

function flowLine(name: string, { total, perSecond }: Flow, more = ''): Line {
  const numbers = `${count(perSecond).padStart(10)}${count(total).padStart(13)}`;
  return { text: `  ${name.padEnd(32)}${numbers}${more}` };
}

/** A table: a line for each route, with a column for each partition. */
export function routeLines(routes: readonly RouteProgress[]): Line[] {
  const partitions = Math.max(0, ...routes.map((route) => route.partitions.length));
  const names = Array.from({ length: partitions }, (_, i) => `partition ${i}`.padStart(13));
  const head = `  ${'route'.padEnd(12)}${'a second'.padStart(10)}${'records'.padStart(13)}`;
  return [
    { text: `${head}${names.join('')}`, style: 'dim' },
    ...routes.map(({ route, readBack, partitions: counts }) => {
      const cells = counts.map((each) => count(each).padStart(13)).join('');
      const rates = `${count(readBack.perSecond).padStart(10)}${count(readBack.total).padStart(13)}`;
      return { text: `  ${route.padEnd(12)}${rates}${cells}` };
    }),
  ];
}

function paint({ text, style }: Line, width: number, color: boolean): string {
  const cut = fit(text, width);
  if (!color || style === undefined) return cut;
  return `${style === 'bold' ? BOLD : DIM}${cut}${RESET}`;
}
