/* Writes docs/reference/bench.md:  node dist/src/bench/report/write-reference.js */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { benchReference } from './reference.js';

const page = new URL('../../../../docs/reference/bench.md', import.meta.url);
writeFileSync(page, benchReference());
console.log(`wrote ${fileURLToPath(page)}`);
