/** Enough to know by what is said; what others sent may be 64 KiB long. */
const TEXT_LENGTH_MAX = 200;

/** Text that somebody else chose, as it goes to a log or to a person: its beginning, where it is long. */
export function shortText(text: string): string {
  if (text.length <= TEXT_LENGTH_MAX) return text;
  // A surrogate pair is not cut in two.
  const beginning = text.slice(0, TEXT_LENGTH_MAX).replace(/[\ud800-\udbff]$/, '');
  return `${beginning}... (${text.length} characters)`;
}
