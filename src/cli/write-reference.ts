/* Writes docs/reference/cli.md:  node dist/src/cli/write-reference.js */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createProgram } from './args.js';
import { cliReference } from './reference.js';

const page = new URL('../../../docs/reference/cli.md', import.meta.url);
writeFileSync(page, cliReference(createProgram()));
console.log(`wrote ${fileURLToPath(page)}`);
