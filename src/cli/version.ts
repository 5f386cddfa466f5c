import { readFileSync } from 'node:fs';

/** Millrace's version, from package.json at the package's root. */
export function millraceVersion(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
