import { distance } from 'fastest-levenshtein';

const WORD_LENGTH_MAX = 100;
const PREFIX_LENGTH_MIN = 3;

/** The known word that was probably meant. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (word.length > WORD_LENGTH_MAX) return undefined;
  let best: { word: string; steps: number } | undefined;
  for (const candidate of known) {
    const steps = stepsBetween(word.toLowerCase(), candidate.toLowerCase());
    // Two swapped letters are two steps, also in a word of three.
    if (steps > Math.max(2, candidate.length / 3) || steps >= candidate.length) continue;
    if (best === undefined || steps < best.steps) best = { word: candidate, steps };
  }
  return best?.word;
}

/** A word that goes on where the other ends is near: `warning`, `warn`. */
function stepsBetween(a: string, b: string): number {
  const [short, long] = a.length < b.length ? [a, b] : [b, a];
  const isPrefix = short.length >= PREFIX_LENGTH_MIN && long.startsWith(short);
  return isPrefix ? Math.min(distance(a, b), 2) : distance(a, b);
}
