/* Which sizes payloads have, and in which parts of all messages. */

export interface PayloadShare {
  readonly bytes: number;
  /** Of all messages. */
  readonly percent: number;
}

/** At least one share; together they are 100 percent. */
export type PayloadMix = readonly PayloadShare[];

const UNIT_BYTES: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 * 1024 };
/** Shares of a third each are written with a few digits. */
const PERCENT_TOLERANCE = 0.01;

/**
 * Reads `200`, `4k` or `200:90%,4k:9%,2m:1%`; k and m are 1024 and 1024 * 1024 bytes. Throws an Error
 * whose message says what is wrong with it.
 */
export function parsePayloadMix(text: string, bytesMax: number): PayloadMix {
  const items = text.split(',');
  const mix = items.map((item) => parseShare(item.trim(), items.length === 1, bytesMax));
  const percent = mix.reduce((sum, share) => sum + share.percent, 0);
  if (Math.abs(percent - 100) > PERCENT_TOLERANCE) {
    const found = Number(percent.toFixed(4));
    throw new Error(`the percentages must add to 100, and they add to ${found}.`);
  }
  return mix;
}

function parseShare(item: string, isAlone: boolean, bytesMax: number): PayloadShare {
  const match = /^(\d+)([km]?)(?::(\d+(?:\.\d+)?)%)?$/i.exec(item);
  const share = match?.[3];
  if (match === null || (share === undefined && !isAlone)) {
    const wanted = isAlone ? 'a size such as 200, 4k or 2m' : 'a size and its share such as 4k:9%';
    throw new Error(`${wanted} is needed, not '${item}'.`);
  }
  const bytes = Number(match[1]) * (UNIT_BYTES[(match[2] as string).toLowerCase()] as number);
  if (bytes > bytesMax) throw new Error(`a payload has ${bytesMax} bytes at most, not ${item}.`);
  const percent = share === undefined ? 100 : Number(share);
  if (percent === 0) throw new Error(`a share must be more than nothing, not '${item}'.`);
  return { bytes, percent };
}

export function payloadBytesMax(mix: PayloadMix): number {
  return Math.max(...mix.map(({ bytes }) => bytes));
}

export function payloadBytesMin(mix: PayloadMix): number {
  return Math.min(...mix.map(({ bytes }) => bytes));
}

export function payloadBytesMean(mix: PayloadMix): number {
  return mix.reduce((sum, { bytes, percent }) => sum + (bytes * percent) / 100, 0);
}

/** As it is written on the command line. */
export function describePayloadMix(mix: PayloadMix): string {
  const sizes = mix.map(({ bytes }) => `${bytes.toLocaleString('en-US')} B`);
  if (sizes.length === 1) return sizes[0] as string;
  return mix.map(({ percent }, n) => `${sizes[n]} ${percent}%`).join(' + ');
}
