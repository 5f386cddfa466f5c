/* The file system as the dead-letter store uses it: few calls, so that a test can let each of them
 * fail.
 */
import { type FileHandle, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { makeFolder, syncFolder } from '../base/folder.js';

export interface Disk {
  /** Makes it and its parents, durably; no complaint where it exists. */
  makeFolder(path: string): Promise<void>;
  /** False where there is nothing of this name, or something else. */
  isFolder(path: string): Promise<boolean>;
  /** Names of files or folders; nothing where the folder does not exist. */
  list(path: string, kind: 'files' | 'folders'): Promise<string[]>;
  /** Fails where the file exists. */
  create(path: string): Promise<DiskFile>;
  open(path: string): Promise<DiskFile>;
  bytes(path: string): Promise<number>;
  rename(from: string, to: string): Promise<void>;
  /** No complaint where it does not exist. */
  remove(path: string): Promise<void>;
  /** Makes names that were added, renamed or removed in it durable. */
  syncFolder(path: string): Promise<void>;
}

export interface DiskFile {
  /** How many bytes were written, which may be fewer than asked for. */
  write(bytes: Uint8Array, position: number): Promise<number>;
  /** How many bytes were read; 0 at the end. */
  read(into: Uint8Array, position: number): Promise<number>;
  sync(): Promise<void>;
  close(): Promise<void>;
}

const fileMode = 0o600;

export const nodeDisk: Disk = {
  makeFolder,

  async isFolder(path) {
    const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
      // ENOTDIR: a part of the path before its last is a file.
      if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
      throw error;
    });
    return found?.isDirectory() ?? false;
  },

  async list(path, kind) {
    const entries = await readdir(path, { withFileTypes: true }).catch(nothingWhereMissing);
    const wanted = entries.filter((entry) =>
      kind === 'files' ? entry.isFile() : entry.isDirectory(),
    );
    return wanted.map(({ name }) => name);
  },

  create: async (path) => nodeFile(await open(path, 'wx', fileMode)),
  open: async (path) => nodeFile(await open(path, 'r')),
  bytes: async (path) => (await stat(path)).size,
  rename: (from, to) => rename(from, to),
  remove: (path) => rm(path, { force: true }),
  syncFolder,
};

function nodeFile(handle: FileHandle): DiskFile {
  return {
    write: async (bytes, position) =>
      (await handle.write(bytes, 0, bytes.byteLength, position)).bytesWritten,
    read: async (into, position) =>
      (await handle.read(into, 0, into.byteLength, position)).bytesRead,
    sync: () => handle.sync(),
    close: () => handle.close(),
  };
}

function nothingWhereMissing(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT') return [];
  throw error;
}
