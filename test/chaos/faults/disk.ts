import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Fault } from './fault.js';

/* What happens to the disk that has the connector's data folder. */

const PIECE = Buffer.alloc(1024 * 1024);

/** Nothing more fits on the disk; only where it is a small one of its own (small-disk.ts). */
export const DISK_FULL: Fault = {
  ...{ name: 'disk-full', lane: 'disk', ms: [500, 15_000] },
  async begin({ dataDir }) {
    const file = join(dataDir, 'filler');
    await fill(file);
    return () => rm(file);
  },
};

/** Writes until nothing fits any more, smaller pieces last. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w');
  try {
    for (let bytes = PIECE.length; bytes >= 1; ) {
      try {
        await file.write(PIECE, 0, bytes);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
        bytes = Math.floor(bytes / 16);
      }
    }
  } finally {
    await file.close();
  }
}
