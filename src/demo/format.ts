/* Numbers and foreign text, as the demo shows them. */

const KIB = 1024;

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function bytes(value: number): string {
  if (value < KIB) return `${Math.round(value)} B`;
  if (value < KIB * KIB) return `${(value / KIB).toFixed(1)} KB`;
  return `${(value / KIB / KIB).toFixed(1)} MB`;
}

export function milliseconds(value: number): string {
  return `${value < 10 ? value.toFixed(1) : count(value)} ms`;
}

/** One line that a terminal shows as it is: what a payload holds may be anything. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}\ufffd]/gu, '.');
}

/** Cut to `width`, with an ellipsis where something is missing. */
export function fit(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;
}
