/* Numbers on the command line. What is no such number is an InvalidArgumentError that says what is. */
import { InvalidArgumentError } from 'commander';

/** A parser of whole numbers from `least` to `most`, both included, in decimal digits. */
export function wholeNumber(
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): (text: string) => number {
  const range =
    most === Number.MAX_SAFE_INTEGER ? `of at least ${least}` : `from ${least} to ${most}`;
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number ${range} is needed.`);
  };
}

/** A parser of numbers above 0, fractions too, up to `most`. */
export function positiveNumber(most: number = Number.MAX_VALUE): (text: string) => number {
  const range = most === Number.MAX_VALUE ? 'above 0' : `above 0, up to ${most},`;
  return (text) => {
    const value = Number(text);
    if (value > 0 && value <= most) return value;
    throw new InvalidArgumentError(`a number ${range} is needed.`);
  };
}

/** A parser of numbers of 0 and more, fractions too, up to `most`. */
export function numberUpTo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && value >= 0 && value <= most) return value;
    throw new InvalidArgumentError(`a number from 0 to ${most} is needed.`);
  };
}

const DAY_SECONDS = 86_400;

/** A parser of seconds, fractions too, from 0 to a day. */
export function seconds(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= DAY_SECONDS) return value;
  throw new InvalidArgumentError(`seconds from 0 to ${DAY_SECONDS} are needed.`);
}
