/* A disk in memory that forgets, at a crash, whatever was not synced: contents until `sync` of the
 * file, names until `syncFolder` of their folder. Every call is a step that a test can let fail.
 */
import { basename, dirname } from 'node:path';
import type { Disk, DiskFile } from '../../src/dead-letter/disk.js';

interface Inode {
  live: Uint8Array;
  synced: Uint8Array;
}

interface Folder {
  live: Map<string, Inode>;
  synced: Map<string, Inode>;
}

export type Step =
  | 'makeFolder'
  | 'isFolder'
  | 'list'
  | 'create'
  | 'open'
  | 'bytes'
  | 'rename'
  | 'remove'
  | 'syncFolder'
  | 'write'
  | 'read'
  | 'sync'
  | 'close';

export class MemoryDisk implements Disk {
  readonly steps: Step[] = [];
  /** Throws to let a step fail; `index` counts from 0. */
  onStep: (step: Step, index: number) => void = () => {};
  /** How many of the bytes a write takes. */
  taken: (bytes: number) => number = (bytes) => bytes;
  readonly #folders = new Map<string, Folder>();

  /** What is there after a power cut: what was synced, or all that was written, at the worst. */
  crashed(kept: 'synced' | 'everything'): MemoryDisk {
    const disk = new MemoryDisk();
    for (const [path, folder] of this.#folders) {
      const names = new Map<string, Inode>();
      for (const [name, inode] of kept === 'synced' ? folder.synced : folder.live) {
        const bytes = (kept === 'synced' ? inode.synced : inode.live).slice();
        names.set(name, { live: bytes, synced: bytes });
      }
      disk.#folders.set(path, { live: new Map(names), synced: names });
    }
    return disk;
  }

  names(path: string): string[] {
    return [...(this.#folders.get(path)?.live.keys() ?? [])].sort();
  }

  contents(path: string): Uint8Array {
    return this.#inode(path).live;
  }

  /** Puts a file there, synced, whatever it holds. */
  plant(path: string, bytes: Uint8Array): void {
    const inode = { live: bytes.slice(), synced: bytes.slice() };
    const { live, synced } = this.#folder(dirname(path));
    live.set(basename(path), inode);
    synced.set(basename(path), inode);
  }

  async makeFolder(path: string): Promise<void> {
    this.#step('makeFolder');
    if (!this.#folders.has(path)) this.#folders.set(path, { live: new Map(), synced: new Map() });
  }

  async isFolder(path: string): Promise<boolean> {
    this.#step('isFolder');
    return [...this.#folders.keys()].some((one) => one === path || one.startsWith(`${path}/`));
  }

  async list(path: string, kind: 'files' | 'folders'): Promise<string[]> {
    this.#step('list');
    if (kind === 'files') return this.names(path);
    const inside = [...this.#folders.keys()].filter((other) => dirname(other) === path);
    return inside.map((other) => basename(other));
  }

  async create(path: string): Promise<DiskFile> {
    this.#step('create');
    const { live } = this.#folder(dirname(path));
    if (live.has(basename(path))) throw fault('EEXIST');
    const inode = { live: new Uint8Array(), synced: new Uint8Array() };
    live.set(basename(path), inode);
    return this.#file(inode);
  }

  async open(path: string): Promise<DiskFile> {
    this.#step('open');
    return this.#file(this.#inode(path));
  }

  async bytes(path: string): Promise<number> {
    this.#step('bytes');
    return this.#inode(path).live.byteLength;
  }

  async rename(from: string, to: string): Promise<void> {
    this.#step('rename');
    const inode = this.#inode(from);
    this.#folder(dirname(from)).live.delete(basename(from));
    this.#folder(dirname(to)).live.set(basename(to), inode);
  }

  async remove(path: string): Promise<void> {
    this.#step('remove');
    this.#folder(dirname(path)).live.delete(basename(path));
  }

  async syncFolder(path: string): Promise<void> {
    this.#step('syncFolder');
    const folder = this.#folder(path);
    folder.synced = new Map(folder.live);
  }

  #file(inode: Inode): DiskFile {
    return {
      write: async (bytes, position) => {
        this.#step('write');
        const count = this.taken(bytes.byteLength);
        const grown = new Uint8Array(Math.max(inode.live.byteLength, position + count));
        grown.set(inode.live);
        grown.set(bytes.subarray(0, count), position);
        inode.live = grown;
        return count;
      },
      read: async (into, position) => {
        this.#step('read');
        const bytes = inode.live.subarray(position, position + into.byteLength);
        into.set(bytes);
        return bytes.byteLength;
      },
      sync: async () => {
        this.#step('sync');
        inode.synced = inode.live.slice();
      },
      close: async () => this.#step('close'),
    };
  }

  #step(step: Step): void {
    this.steps.push(step);
    this.onStep(step, this.steps.length - 1);
  }

  #folder(path: string): Folder {
    const folder = this.#folders.get(path);
    if (folder === undefined) throw fault('ENOENT');
    return folder;
  }

  #inode(path: string): Inode {
    const inode = this.#folder(dirname(path)).live.get(basename(path));
    if (inode === undefined) throw fault('ENOENT');
    return inode;
  }
}

/** An error as Node's file system throws it. */
export function fault(code: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: made up by a test`), { code });
}
