/* Writes docs/reference/configuration.md:  node dist/src/config/write-reference.js */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configurationReference } from './reference.js';

const page = new URL('../../../docs/reference/configuration.md', import.meta.url);
writeFileSync(page, configurationReference());
console.log(`wrote ${fileURLToPath(page)}`);
