/** Such as `1 error` and `2 errors`, of nouns that take an s. */
export function plural(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}s`;
}
