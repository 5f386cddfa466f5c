/* Which topic, key and size each message of a load has: a round of messages that repeats, worked out
 * once, so that a message costs nothing of it. The same in every run.
 *
 * With a skew the share of the topic or key of rank r is in proportion to 1 / r^skew; without one they
 * come in turn. Of topics and keys the fewer follow the more: with 10 topics and 1,000 keys each key
 * has one topic, with 1,000 topics and 10 keys each topic has one key.
 *
 * Of several connections each has a plan of its own, and of the sizes its part.
 */
import type { Part } from './load-part.js';
import type { PayloadMix } from './payload-mix.js';

export interface PlanOptions {
  readonly topics: number;
  readonly keys: number;
  readonly skew: number;
  readonly payload: PayloadMix;
  readonly part: Part;
}

export interface MessagePlan {
  readonly length: number;
  /** By message of the round: a number below `topics`. */
  readonly topics: Uint32Array;
  /** A number below `keys`. */
  readonly keys: Uint32Array;
  /** An index of the mix. */
  readonly sizes: Uint8Array;
}

/** A round has as many messages, for shares of a hundredth of a percent, or of a rank's share. */
const MIXED_LENGTH_MIN = 10_000;
const SKEWED_LENGTH_MIN = 16_384;
const GOLDEN_RATIO = 0.618_033_988_749_894_9;
const SEED = 0x2545f491;

/** The shortest round in which all shares are what was asked for, nearly. */
export function planLengthMin({ topics, keys, skew, payload, part }: PlanOptions): number {
  const most = Math.max(topics, keys);
  if (skew > 0) return Math.max(Math.ceil(SKEWED_LENGTH_MIN / part.parts), 2 * most);
  return payload.length > 1 ? Math.ceil(MIXED_LENGTH_MIN / part.parts / most) * most : most;
}

/** @param length at least `planLengthMin`; without a skew a multiple of topics and keys, of the more */
export function planMessages(options: PlanOptions, length: number): MessagePlan {
  const { topics, keys, skew, payload, part } = options;
  const most = Math.max(topics, keys);
  const drawn = skew > 0 ? drawSkewed(most, skew, length) : drawInTurn(most, length);
  return {
    length,
    topics: topics === most ? drawn : drawn.map((n) => n % topics),
    keys: keys === most ? drawn : drawn.map((n) => n % keys),
    sizes: drawSizes(payload, length, part),
  };
}

function drawInTurn(count: number, length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, n) => n % count);
}

/** Spread evenly: each rank comes as often as it should in every stretch, not only in the long run. */
function drawSkewed(count: number, skew: number, length: number): Uint32Array {
  const upTo = new Float64Array(count);
  let sum = 0;
  for (let n = 0; n < count; n += 1) {
    sum += (n + 1) ** -skew;
    upTo[n] = sum;
  }
  return Uint32Array.from({ length }, (_, n) => rankOf(upTo, ((n * GOLDEN_RATIO) % 1) * sum));
}

/** The first index whose sum lies above `value`. */
function rankOf(upTo: Float64Array, value: number): number {
  let low = 0;
  let high = upTo.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((upTo[middle] as number) > value) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Exactly the shares of the mix, shuffled: in turn, some topics would have all that is large. */
function drawSizes(mix: PayloadMix, length: number, { index, parts }: Part): Uint8Array {
  const sizes = drawAllSizes(mix, length * parts);
  return parts === 1 ? sizes : Uint8Array.from({ length }, (_, n) => sizes[n * parts + index] ?? 0);
}

function drawAllSizes(mix: PayloadMix, length: number): Uint8Array {
  const sizes = new Uint8Array(length);
  let percent = 0;
  let from = 0;
  for (const [index, share] of mix.entries()) {
    percent += share.percent;
    const end = index === mix.length - 1 ? length : Math.round((length * percent) / 100);
    sizes.fill(index, from, end);
    from = end;
  }
  if (mix.length > 1) shuffle(sizes);
  return sizes;
}

function shuffle(values: Uint8Array): void {
  let state = SEED;
  for (let n = values.length - 1; n > 0; n -= 1) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    const other = Math.floor((state / 2 ** 32) * (n + 1));
    const value = values[n] as number;
    values[n] = values[other] as number;
    values[other] = value;
  }
}
