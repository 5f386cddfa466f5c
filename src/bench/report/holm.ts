/* Holm's correction for several comparisons at once. */

/**
 * Which of these chances are small enough that among all of them at most `chanceMax` is the chance of
 * calling any difference that is none. Each is held against its share: the smallest against `chanceMax`
 * over all of them, the next against `chanceMax` over one fewer, and so on, until one is too large.
 */
export function holm(chances: readonly number[], chanceMax: number): boolean[] {
  const isSmall = chances.map(() => false);
  const byChance = [...chances.keys()].sort((a, b) => (chances[a] ?? 0) - (chances[b] ?? 0));
  for (const [n, index] of byChance.entries()) {
    if ((chances[index] as number) > chanceMax / (chances.length - n)) break;
    isSmall[index] = true;
  }
  return isSmall;
}
