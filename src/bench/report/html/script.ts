/* The script in a page of results: draws the charts that the page holds as JSON. Runs in a browser, so it
 * is text here, and plain.
 */

export const SCRIPT = `
'use strict';
const charts = JSON.parse(document.getElementById('charts').textContent);
const dark = matchMedia('(prefers-color-scheme: dark)');
const colourOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function percentileText(oneIn) {
  return String(Number((100 * (1 - 1 / oneIn)).toFixed(4))) + '%';
}

function numberText(value, digits) {
  if (value == null) return '--';
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

function seriesOf(chart, { label, colour, edge }) {
  const stroke = colourOf('--c' + (colour % PALETTE_SIZE));
  return {
    label,
    stroke: edge ? stroke + '66' : stroke,
    width: edge ? 1 : 2,
    spanGaps: true,
    points: { show: chart.xs.length === 1 },
    value: (_, value) => numberText(value, chart.digits),
  };
}

/** uPlot counts x as the first series. */
function bandsOf({ series }) {
  return series.flatMap(({ edge, colour }, index) =>
    edge === 'upper'
      ? [{ series: [index + 1, index + 2], fill: colourOf('--c' + (colour % PALETTE_SIZE)) + '22' }]
      : [],
  );
}

function optionsOf(chart, width) {
  const byPercentile = chart.x === 'percentile';
  const soft = colourOf('--soft');
  const axis = { stroke: soft, grid: { stroke: colourOf('--rule'), width: 1 }, ticks: { stroke: colourOf('--rule'), width: 1 } };
  const powers = [1, 10, 100, 1e3, 1e4, 1e5];
  return {
    width,
    height: width < 500 ? 240 : 300,
    scales: {
      x: byPercentile ? { time: false, distr: 3, log: 10, range: (_, min, max) => [1, Math.max(10, max)] } : { time: false, range: (_, min, max) => [0, max] },
      y: { range: (_, min, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      byPercentile
        ? { ...axis, splits: (u, _, min, max) => powers.filter((power) => power <= max * 1.001), values: (_, splits) => splits.map(percentileText) }
        : { ...axis, values: (_, splits) => splits.map((second) => second + ' s') },
      { ...axis, size: 64, values: (_, splits) => splits.map((value) => value.toLocaleString('en-US')) },
    ],
    series: [
      {
        label: byPercentile ? 'percentile' : 'second',
        value: (_, x) => (x == null ? '--' : byPercentile ? percentileText(x) : numberText(x, 2)),
      },
      ...chart.series.map((series) => seriesOf(chart, series)),
    ],
    bands: bandsOf(chart),
    cursor: { y: false, drag: { x: false, y: false } },
  };
}

const drawn = [];
function draw() {
  for (const plot of drawn.splice(0)) plot.destroy();
  charts.forEach((chart, index) => {
    const place = document.getElementById('chart-' + index);
    const data = [chart.xs, ...chart.series.map(({ values }) => chart.xs.map((_, n) => values[n] ?? null))];
    drawn.push(new uPlot(optionsOf(chart, place.clientWidth), data, place));
  });
}

draw();
dark.addEventListener('change', draw);
let width = document.documentElement.clientWidth;
addEventListener('resize', () => {
  // A phone's browser changes the height when its bar goes away.
  if (document.documentElement.clientWidth === width) return;
  width = document.documentElement.clientWidth;
  draw();
});
`;
