/* Whole numbers as decimal text, to and from bytes, without a string. Pure. */

const ZERO = 0x30;

/** How many digits a whole number from 0 on has. */
export function decimalDigits(value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  return digits;
}

/** Writes the digits of a whole number from 0 on; returns where they end. */
export function writeDecimal(bytes: Uint8Array, at: number, value: number): number {
  const end = at + decimalDigits(value);
  let rest = value;
  for (let i = end - 1; i >= at; i--) {
    bytes[i] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
  return end;
}

/** The number that is written there, digits and nothing else; -1 where it is none or above `most`. */
export function readDecimal(bytes: Uint8Array, start: number, end: number, most: number): number {
  if (end <= start) return -1;
  let value = 0;
  for (let i = start; i < end; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
    if (value > most) return -1;
  }
  return value;
}
