/** The number n of a name `<prefix><n>` in decimal digits, from `at` to `end` of `bytes`; -1: it is none.
 * Names of topics and keys are read by the million: no text is made of them. */
export function numberOf(prefix: Buffer, bytes: Uint8Array, at: number, end: number): number {
  const digitsAt = at + prefix.length;
  if (end <= digitsAt) return -1;
  for (let n = 0; n < prefix.length; n += 1) if (bytes[at + n] !== prefix[n]) return -1;
  if (bytes[digitsAt] === 0x30 && end > digitsAt + 1) return -1;
  let number = 0;
  for (let n = digitsAt; n < end; n += 1) {
    const digit = (bytes[n] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}
