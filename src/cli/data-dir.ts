import { InvalidArgumentError } from 'commander';

/** The parser of --data-dir. */
export function dataDir(text: string): string {
  // The shell's `--data-dir "$UNSET"`; it would mean the working folder.
  if (text === '') throw new InvalidArgumentError('a folder is needed.');
  return text;
}
