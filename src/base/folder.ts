/* Makes folders. Not `mkdir` with `recursive`: where the file system refuses a folder with ENOENT, as
 * /proc does, that one tries for ever, and the event loop with it.
 */
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';

const folderMode = 0o700;

/** Makes it and its parents, durably; no complaint where it exists. Rejects with the disk's own error. */
export async function makeFolder(path: string): Promise<void> {
  await make(resolve(path), true);
}

/** Syncs a folder, so that names that were added, renamed or removed in it are durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

async function make(path: string, mayMakeParent: boolean): Promise<void> {
  try {
    await mkdir(path, folderMode);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' && mayMakeParent && dirname(path) !== path) {
      await make(dirname(path), true);
      return make(path, false);
    }
    // A read-only file system says EROFS and not EEXIST, also of what exists.
    if (await isFolder(path)) return;
    throw error;
  }
  // A new folder is a name in its parent: without this a power cut could take it away.
  await syncFolder(dirname(path));
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
