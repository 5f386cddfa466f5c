/* Where the output is no terminal: a line a second, and now and then what is in which partition. */
import { bytes, count, milliseconds } from './format.js';
import type { Latency } from './latency.js';
import type { Snapshot } from './progress.js';
import { routeLines, type View } from './view.js';

const INTERVAL_MS = 1000;
const DETAILS_EVERY = 5;

export function plainView(output: NodeJS.WritableStream): View {
  let shown = 0;
  return {
    intervalMs: INTERVAL_MS,
    show: (snapshot, state) => {
      shown += 1;
      const lines = [statusLine(snapshot, state)];
      if (shown % DETAILS_EVERY === 0) lines.push(...detailLines(snapshot));
      output.write(`${lines.join('\n')}\n`);
    },
    close: () => {},
  };
}

export function statusLine(snapshot: Snapshot, state: string): string {
  const { published, publishedBytes, delivered, acknowledged, readBack, latency } = snapshot;
  const { written, received, answered } = snapshot.commands;
  const parts = [
    `${count(snapshot.elapsedSeconds)} s ${state}:`,
    `MQTT ${count(published.perSecond)}/s ${bytes(publishedBytes.perSecond)}/s,`,
    `Kafka ${count(delivered.perSecond)}/s,`,
    `in flight ${count(snapshot.inFlight)};`,
    `published ${count(published.total)}, acknowledged ${count(acknowledged.total)},`,
    `read back ${count(readBack.total)}${quickness(latency)};`,
  ];
  parts.push(
    `commands ${count(written.total)}, received ${count(received.total)},`,
    `answered ${count(answered.total)}`,
  );
  return parts.join(' ');
}

function detailLines({ routes, recent }: Snapshot): string[] {
  return [
    ...routeLines(routes).map(({ text }) => text),
    ...recent.flat().map((text) => `  ${text}`),
  ];
}

function quickness(latency: Latency | undefined): string {
  if (latency === undefined) return '';
  return ` (PUBACK p50 ${milliseconds(latency.p50Ms)}, p99 ${milliseconds(latency.p99Ms)})`;
}
