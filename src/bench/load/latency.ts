/* Latencies of one direction in an HDR histogram, in microseconds, and what is told of them. */
import type { Histogram } from 'hdr-histogram-js';
import { build } from 'hdr-histogram-js';
import type { CurvePoint, Latency } from '../protocol.js';

/** The curve ends at 99.999 %. */
const NINES = 5;
const POINTS_PER_NINE = 10;

export function newHistogram(): Histogram {
  // Up to an hour: a stalled run is reported, not clipped.
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: 3.6e9 });
}

/** @param histogram of microseconds */
export function latencyOf(histogram: Histogram): Latency {
  // A percentile is the upper end of its bucket, which may lie above the true maximum.
  const ms = (percentile: number) =>
    Math.min(histogram.getValueAtPercentile(percentile), histogram.maxValue) / 1000;
  return {
    p50Ms: ms(50),
    p90Ms: ms(90),
    p99Ms: ms(99),
    p999Ms: ms(99.9),
    maxMs: histogram.maxValue / 1000,
    curve: curveOf(histogram.totalCount, ms),
  };
}

/** Points at even distances of `1 / (1 - share)`, as far as there are messages to tell them apart. */
function curveOf(messages: number, msAt: (percentile: number) => number): CurvePoint[] {
  const points: CurvePoint[] = [];
  for (let step = 0; step <= NINES * POINTS_PER_NINE; step += 1) {
    const oneIn = 10 ** (step / POINTS_PER_NINE);
    // Beyond it there is only the maximum.
    if (oneIn > messages) break;
    const percentile = Number((100 * (1 - 1 / oneIn)).toFixed(4));
    points.push([percentile, msAt(percentile)]);
  }
  return points;
}
