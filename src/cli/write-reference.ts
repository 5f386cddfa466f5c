/* Writes the pages of docs/reference/ that are made of the code:  node dist/src/cli/write-reference.js */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { benchReference } from '../bench/report/reference.js';
import { configurationReference } from '../config/reference.js';
import { createProgram } from './args.js';
import { cliReference } from './reference.js';

const PAGES = {
  'bench.md': benchReference(),
  'cli.md': cliReference(createProgram()),
  'configuration.md': configurationReference(),
};

for (const [name, text] of Object.entries(PAGES)) {
  const page = fileURLToPath(new URL(`../../../docs/reference/${name}`, import.meta.url));
  writeFileSync(page, text);
  console.log(`wrote ${page}`);
}
