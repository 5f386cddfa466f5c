/* How cost grows with the size of a case. */
import type { Axis } from './dimensions.js';

export interface Point {
  readonly value: number;
  /** What a message costs: microseconds, or instructions. */
  readonly cost: number;
}

/** `cost = constant + slope * x` by least squares, and what `x` is. */
export interface Fit {
  readonly x: 'log10 of the count' | 'KB of payload' | 'count';
  readonly constant: number;
  readonly slope: number;
  /** Of the cost that is fitted for the smallest case: so much more for each step of x. */
  readonly slopePercent: number;
}

const BYTES_PER_KB = 1000;

/** @param weights how much each point counts */
function leastSquares(
  xs: readonly number[],
  ys: readonly number[],
  weights: readonly number[],
): { constant: number; slope: number } {
  let [sum, sumX, sumY] = [0, 0, 0];
  for (const [n, weight] of weights.entries()) {
    sum += weight;
    sumX += weight * (xs[n] as number);
    sumY += weight * (ys[n] as number);
  }
  const [meanX, meanY] = [sumX / sum, sumY / sum];
  let [covariance, variance] = [0, 0];
  for (const [n, weight] of weights.entries()) {
    const deviation = (xs[n] as number) - meanX;
    covariance += weight * deviation * ((ys[n] as number) - meanY);
    variance += weight * deviation * deviation;
  }
  const slope = covariance / variance;
  return { constant: meanY - slope * meanX, slope };
}

/** The line through `points`, in the order of their values; undefined where there are too few, or where
 * the axis has none. */
export function fitOf(axis: Axis, points: readonly Point[]): Fit | undefined {
  if (axis === 'speed-up' || axis === 'ends' || points.length < 2) return undefined;
  const costs = points.map(({ cost }) => cost);
  let x: Fit['x'] = 'count';
  let xs = points.map(({ value }) => value);
  let weights = points.map(() => 1);
  if (axis === 'tenfold') {
    x = 'log10 of the count';
    xs = xs.map(Math.log10);
  } else if (axis === 'kilobytes') {
    x = 'KB of payload';
    xs = xs.map((bytes) => bytes / BYTES_PER_KB);
    // By relative errors: else the large ones, which vary by more than small ones cost, are all that counts.
    weights = costs.map((cost) => cost ** -2);
  }
  const { constant, slope } = leastSquares(xs, costs, weights);
  const first = constant + slope * (xs[0] as number);
  return { x, constant, slope, slopePercent: (slope / first) * 100 };
}
