/* Where dead letters lie: `<data-dir>/dead-letters/<connector>/<id>.letter`. */
import { join } from 'node:path';

/** The folder with one folder for each connector and instance. */
export function deadLetterRoot(dataDir: string): string {
  return join(dataDir, 'dead-letters');
}

/** Resource names are safe as they are; anything else is escaped, so that no name leads elsewhere. */
export function deadLetterFolder(dataDir: string, connector: string): string {
  const safe = connector.replace(/[^A-Za-z0-9._-]|^\./gu, (character) =>
    [...new TextEncoder().encode(character)]
      .map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`)
      .join(''),
  );
  return join(deadLetterRoot(dataDir), safe === '' ? '%' : safe);
}
