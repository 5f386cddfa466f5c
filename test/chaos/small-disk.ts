import { mkdtemp, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from '../support/real/program.js';

/** A disk in memory that can be filled without harm to anybody else. */
export interface SmallDisk {
  readonly path: string;
  remove(): Promise<void>;
}

/** More than a spool of two shards wants for its segments. */
const SIZE = '512m';

/** Mounts one; undefined where we may not: it takes root. */
export async function mountSmallDisk(): Promise<SmallDisk | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const path = await mkdtemp(join(tmpdir(), 'millrace-small-disk-'));
  try {
    await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', path]);
  } catch {
    // A container's root may not mount either.
    await rmdir(path);
    return undefined;
  }
  return {
    path,
    async remove() {
      // Lazily: a process that was only just killed may still have files open.
      await runProgram('umount', ['-l', path]);
      await rmdir(path);
    },
  };
}
