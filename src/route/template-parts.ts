/* What the templates of both directions have in common: text with variables written as `${NAME}`. Pure. */

export interface TextPart {
  readonly kind: 'text';
  readonly text: string;
}

/**
 * Splits a template into text and what `variable` makes of the names in it. What is no variable stays
 * text: config/rules/names.ts has refused it, unless the receiving side takes it as it is.
 */
export function compileParts<Part>(
  source: string,
  variable: (name: string) => Part | undefined,
): (TextPart | Part)[] {
  const parts: (TextPart | Part)[] = [];
  let textStart = 0;
  for (const match of source.matchAll(/\$\{([^}]+)\}/g)) {
    const part = variable(match[1] as string);
    if (part === undefined) continue;
    const text = source.slice(textStart, match.index);
    if (text !== '') parts.push({ kind: 'text', text });
    parts.push(part);
    textStart = match.index + match[0].length;
  }
  const text = source.slice(textStart);
  if (text !== '') parts.push({ kind: 'text', text });
  return parts;
}

/** The NAME of a variable `what.NAME`; undefined for another one. */
export function nameAfter(what: string, variable: string): string | undefined {
  const start = what.length + 1;
  return variable.startsWith(`${what}.`) && variable.length > start
    ? variable.slice(start)
    : undefined;
}
