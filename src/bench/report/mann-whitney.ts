/* The exact two-sided test of Mann and Whitney (Wilcoxon's rank sum), for few values and with ties. */

/**
 * How likely it is that two samples of the same distribution are ranked as unevenly as `a` and `b`, or
 * more so: 1 where they are mixed evenly. Counts every way to deal the ranks that there are, in
 * O(n^4) steps: for some hundred values at most.
 */
export function mannWhitney(a: readonly number[], b: readonly number[]): number {
  const all = [...a, ...b];
  // Twice the rank, which is whole also for the mean rank of equal values.
  const doubledRank = (value: number) => {
    const below = all.filter((other) => other < value).length;
    const equal = all.filter((other) => other === value).length;
    return 2 * below + equal + 1;
  };
  const ranks = all.map(doubledRank);
  const sumMax = ranks.reduce((sum, rank) => sum + rank, 0);
  // ways[k][s]: to choose k of the ranks with the sum s.
  const ways = Array.from({ length: a.length + 1 }, () => new Float64Array(sumMax + 1));
  (ways[0] as Float64Array)[0] = 1;
  for (const rank of ranks) {
    for (let k = a.length; k > 0; k -= 1) {
      const [fewer, more] = [ways[k - 1] as Float64Array, ways[k] as Float64Array];
      for (let sum = sumMax; sum >= rank; sum -= 1)
        more[sum] = at(more, sum) + at(fewer, sum - rank);
    }
  }
  const mean = (a.length * (all.length + 1)) as number;
  const observed = ranks.slice(0, a.length).reduce((sum, rank) => sum + rank, 0);
  let uneven = 0;
  let total = 0;
  for (const [sum, count] of (ways[a.length] as Float64Array).entries()) {
    total += count;
    if (Math.abs(sum - mean) >= Math.abs(observed - mean)) uneven += count;
  }
  return uneven / total;
}

function at(counts: Float64Array, index: number): number {
  return counts[index] ?? 0;
}

/** What it is at the least for samples of these sizes, where they lie wholly apart. */
export function leastChance(a: number, b: number): number {
  const apart = (from: number, count: number) => Array.from({ length: count }, (_, n) => from + n);
  return mannWhitney(apart(0, a), apart(a, b));
}
