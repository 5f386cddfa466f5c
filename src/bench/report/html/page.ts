/* A result as one page that needs nothing else: no network, no other file. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { plural } from '../../../base/plural.js';
import { describeBacklogs } from '../backlog.js';
import { PARTS } from '../figures.js';
import { formatNumber } from '../format.js';
import type { BenchResult } from '../result.js';
import type { Spread } from '../spread.js';
import { describeLoad } from '../text.js';
import { type Chart, chartsOf } from './charts.js';
import { SCRIPT } from './script.js';
import { PALETTE_SIZE, STYLE } from './style.js';

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

/** JSON inside a script element, which nothing in it can end. */
function inlineJson(value: unknown): string {
  return JSON.stringify(value).replaceAll('<', '\\u003c');
}

const require = createRequire(import.meta.url);

/** A file of the package uplot. */
function uplotFile(path: string): string {
  return readFileSync(require.resolve(`uplot/${path}`), 'utf8');
}

/** Nothing is loaded from anywhere, whatever is in the page. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'";

/** The whole document. */
export function htmlPage(result: BenchResult): string {
  const charts = chartsOf(result.rounds);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<title>millrace bench, ${escapeHtml(result.startedAt)}</title>
<style>${uplotFile('dist/uPlot.min.css')}${STYLE}</style>
</head>
<body>
<main>
${header(result)}
${headlines(result)}
<div class="grid">
${chartCards(charts)}
</div>
${cpuSplit(result)}
${latencyNote(result)}
<section class="card"><h2>Figures</h2><div class="scroll">${figureTables(result)}</div></section>
${circumstances(result)}
</main>
<script type="application/json" id="charts">${inlineJson(charts)}</script>
<script>/*
${uplotFile('LICENSE')}*/
${uplotFile('dist/uPlot.iife.min.js')}</script>
<script>const PALETTE_SIZE = ${PALETTE_SIZE};${SCRIPT}</script>
</body>
</html>
`;
}

function header(result: BenchResult): string {
  const { valid, rounds, options, startedAt, millrace } = result;
  const verdict = valid
    ? '<span class="verdict valid">valid</span>'
    : '<span class="verdict void">VOID</span>';
  const reasons = rounds.flatMap(({ voidBecause }, index) =>
    voidBecause.map((reason) => `<li>${escapeHtml(`round ${index + 1}: ${reason}`)}</li>`),
  );
  const why = valid
    ? ''
    : `<section class="card void"><h2>The figures mean nothing</h2><ul>${reasons.join('')}</ul></section>`;
  const notes = describeBacklogs(result).map((note) => `<p>${escapeHtml(note)}</p>`);
  const run = `millrace ${millrace}, ${startedAt}, ${plural(rounds.length, 'round')}`;
  return `<header><h1>millrace bench</h1>${verdict}</header>
<p class="soft">${escapeHtml(run)}<br>${escapeHtml(describeLoad(options).join(', '))}</p>
${why}${notes.join('')}`;
}

const HEADLINES = [
  'messagesPerSecond',
  'latencyMs.p99',
  'kafkaToMqtt.messagesPerSecond',
  'kafkaToMqtt.latencyMs.p99',
  'cpuUsPerMessage',
  'peakRssMegabytes',
];

function headlines({ summary }: BenchResult): string {
  const known = PARTS.flatMap(({ heading, metrics }) =>
    metrics
      .filter(({ name }) => HEADLINES.includes(name) && summary[name] !== undefined)
      .map(({ name, label, digits }) => {
        const median = formatNumber((summary[name] as Spread).median, digits);
        const where = heading === 'connector' ? '' : `, ${heading}`;
        return `<div><b>${median}</b><span>${escapeHtml(label + where)}</span></div>`;
      }),
  );
  return `<section class="card heads">${known.join('')}</section>`;
}

/** Two in a row where there is room; what has no other beside it takes the whole row. */
function chartCards(charts: readonly Chart[]): string {
  const inPairs = charts.filter(({ x }) => x !== 'percentile').length;
  const cards = charts.map(({ title, unit, x }, index) => {
    const isAlone = x === 'percentile' || (inPairs % 2 === 1 && index === charts.length - 1);
    const kind = isAlone ? 'card wide' : 'card';
    const heading = `<h2>${escapeHtml(`${title}, ${unit}`)}</h2>`;
    return `<section class="${kind}">${heading}<div class="chart" id="chart-${index}"></div></section>`;
  });
  return cards.join('\n');
}

const CPU_KINDS = ['main', 'workers', 'librdkafka', 'other'] as const;

/** Where the CPU time goes, in medians. */
function cpuSplit({ summary }: BenchResult): string {
  const parts = CPU_KINDS.map((kind, colour) => {
    return { kind, colour, us: summary[`cpuUsPerMessage.${kind}`]?.median };
  }).filter(({ us }) => us !== undefined);
  if (parts.length === 0) return '';
  const bar = parts.map(
    ({ colour, us }) => `<i style="flex: ${us ?? 0} 0 0; background: var(--c${colour})"></i>`,
  );
  const key = parts.map(
    ({ kind, colour, us = 0 }) =>
      `<li><i style="background: var(--c${colour})"></i>${kind} ${formatNumber(us, 2)}</li>`,
  );
  return `<section class="card"><h2>CPU of the connector, us a message</h2>
<div class="split">${bar.join('')}</div><ul class="key">${key.join('')}</ul></section>`;
}

function latencyNote({ rounds }: BenchResult): string {
  if (rounds.some(({ load, feed }) => load?.latency || feed?.latency)) return '';
  return `<p class="soft">There is no latency to tell of: at QoS 0 nothing is acknowledged, and the
records of a full topic lie in Kafka long before they are read.</p>`;
}

function figureTables({ summary, rounds }: BenchResult): string {
  const points = (['median', 'min', 'max'] as const).slice(0, rounds.length > 1 ? 3 : 1);
  const tables = PARTS.flatMap(({ heading, metrics }) => {
    const rows = metrics
      .filter(({ name }) => summary[name] !== undefined)
      .map(({ name, label, digits, meaning }) => {
        const spread = summary[name] as Spread;
        const cells = points.map((point) => `<td>${formatNumber(spread[point], digits)}</td>`);
        const part = label.startsWith(' ') ? ' class="part"' : '';
        const first = `<td${part} title="${escapeHtml(meaning)}">${escapeHtml(label.trim())}</td>`;
        return `<tr>${first}${cells.join('')}</tr>`;
      });
    if (rows.length === 0) return [];
    const heads = [heading, ...points].map((head) => `<th>${escapeHtml(head)}</th>`);
    return [`<tr>${heads.join('')}</tr>${rows.join('')}`];
  });
  return `<table class="figures">${tables.join('')}</table>`;
}

function circumstances({ machine, options, kafka, loadAverage }: BenchResult): string {
  const whole = { ...machine, loadAverage, kafka };
  return `<div class="grid">
<section class="card"><h2>Machine</h2>${pairs(whole)}</section>
<section class="card"><details><summary>Options</summary>${pairs(options)}</details></section>
</div>`;
}

function pairs(values: object): string {
  const rows = Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => {
      const text = typeof value === 'string' ? value : JSON.stringify(value);
      return `<tr><td>${escapeHtml(name)}</td><td>${escapeHtml(text)}</td></tr>`;
    });
  return `<table class="pairs">${rows.join('')}</table>`;
}
