/* Placeholders that a documentation's example leaves to its reader: `<NAMESPACE>` and
 * `{{% version %}}`. The second is no YAML outside quotes, so it is shielded before the text is
 * parsed, by characters of the same length: every offset stays what it was.
 */
import type { Path } from './problem-list.js';

export interface Placeholder {
  readonly path: Path;
  readonly text: string;
}

const TEMPLATE = /\{\{([^{}\n]*)\}\}/g;
const SHIELDED = /<~([^{}\n]*?)~>/g;
const ANGLE = /<[A-Z][A-Z0-9 _-]*>/g;
/** Lower case counts only where it is the whole value: `a/<b>` is a fair topic name. */
const WHOLE_ANGLE = /^<[A-Za-z][A-Za-z0-9 _.-]*>$/;

/** YAML with `{{...}}`, which would be a mapping, as `<~...~>`, which is a string; as long as before. */
export function shieldPlaceholders(text: string): string {
  return text.replace(TEMPLATE, '<~$1~>');
}

/** The placeholders in a value, as the file writes them. */
export function placeholdersIn(value: string): readonly string[] {
  if (!value.includes('<')) return [];
  if (WHOLE_ANGLE.test(value)) return [value];
  const found = [...value.matchAll(SHIELDED)].map((match) => `{{${match[1]}}}`);
  return [...found, ...(value.match(ANGLE) ?? [])];
}
