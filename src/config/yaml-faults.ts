import type { ErrorCode } from 'yaml';
import type { Fault } from './problem-list.js';

/** yaml's own messages may repeat text of the file, and the file may hold a Secret. */
const MESSAGES: Partial<Record<ErrorCode, readonly [message: string, hint: string]>> = {
  BAD_ALIAS: [
    'an alias (*name) has no anchor (&name) before it',
    'quote a value that starts with *',
  ],
  BAD_INDENT: [
    'is indented wrongly, or a [ or { above is not closed',
    'indent each level by two spaces more than the one above, and close every bracket',
  ],
  BAD_SCALAR_START: [
    'a value starts with a character that YAML reserves',
    'put the value in quotes',
  ],
  BAD_DQ_ESCAPE: ['has an unknown escape in double quotes', 'use single quotes, or write \\\\'],
  BLOCK_AS_IMPLICIT_KEY: [
    'has a second ": " on one line, or is indented wrongly',
    'put the value in quotes, or start a new line at the right depth',
  ],
  BLOCK_IN_FLOW: ['has a block inside [ ] or { }', 'write the whole of it in brackets'],
  MISSING_CHAR: ['something is not closed, or a ":" or "," is missing', 'look for an open quote'],
  MULTILINE_IMPLICIT_KEY: ['a key goes over several lines', 'look for a ":" that is missing'],
  NON_STRING_KEY: ['a key is not a plain string', 'put it in quotes'],
  TAB_AS_INDENT: ['is indented with a tab', 'indent with spaces'],
  TAG_RESOLVE_FAILED: ['has a tag (!name) that is not known here', 'leave the tag out'],
  UNEXPECTED_TOKEN: ['has something here that does not belong', 'look at the line above too'],
};

/** What a code of the yaml package means to the one who wrote the file. */
export function yamlFault(code: ErrorCode): Fault {
  const [message, hint] = MESSAGES[code] ?? [`is not valid YAML (${code})`, 'see yaml.org/spec'];
  return { message, hint };
}
