/* PlacesWatch: sees that files of mounted secrets may have changed. Main thread.
 *
 *   event --a moment later--> look: watch what is there now, then tell
 *   every half minute ------> look
 *
 * 1. It tells that something may have changed, never what: whoever is told reads all of it, as of one
 *    moment (secret-source.ts), and compares values.
 * 2. Folders are watched, never files: Kubernetes swaps the link `..data` in the object's folder, editors
 *    rename a new file over the old one, and a watch of a file would stay with the one that is gone.
 * 3. Where the kernel tells nothing (network file systems, no inotify left) the half minute is all there is.
 * 4. After stop() there is no watcher, no timer and no call.
 */
import { type FSWatcher, watch as watchFolder } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { Clock } from '../base/clock.js';

/** What values are read from. */
export interface Places {
  /** Of objects, <dir>/<name>: every file in them counts; they need not be there. */
  readonly folders: readonly string[];
  /** Single files; they need not be there either. */
  readonly files: readonly string[];
}

export interface PlacesWatchOptions {
  readonly places: Places;
  readonly clock: Clock;
  readonly onMayHaveChanged: () => void;
  /** As Node.js has it. */
  readonly watch?: typeof watchFolder;
}

/** One change is several events, and several objects change together. */
const SETTLE_MS = 250;
/** The kubelet itself looks once a minute or so. */
const POLL_MS = 30_000;

interface Watched {
  readonly watcher: FSWatcher;
  /** Tells a folder from another one that has taken its place. */
  readonly identity: string;
}

export class PlacesWatch {
  readonly #options: PlacesWatchOptions;
  /** Folders to be watched, each with the names in it that count; undefined: all of them. */
  readonly #names = new Map<string, Set<string> | undefined>();
  readonly #watched = new Map<string, Watched>();
  #cancelSettling: (() => void) | undefined;
  #cancelPoll: () => void = () => {};
  #isLooking = false;
  #isStopped = false;

  constructor(options: PlacesWatchOptions) {
    this.#options = options;
    const { folders, files } = options.places;
    for (const folder of folders) {
      this.#names.set(folder, undefined);
      // It tells that the folder itself comes and goes.
      this.#count(dirname(folder), basename(folder));
    }
    // Kubernetes mounts a single file as a link by way of `..data` too.
    for (const file of files) this.#count(dirname(file), basename(file), '..data');
  }

  /** Whether there is anything to be watched. */
  get isIdle(): boolean {
    return this.#names.size === 0;
  }

  /** Resolves when it watches; what has changed before that is not told. */
  async start(): Promise<void> {
    if (this.isIdle) return;
    await this.#rewatch();
    if (!this.#isStopped) this.#pollLater();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelSettling?.();
    this.#cancelPoll();
    for (const path of [...this.#watched.keys()]) this.#unwatch(path);
  }

  #count(folder: string, ...names: readonly string[]): void {
    const known = this.#names.get(folder);
    if (known === undefined && this.#names.has(folder)) return;
    this.#names.set(folder, new Set([...(known ?? []), ...names]));
  }

  #pollLater(): void {
    this.#cancelPoll = this.#options.clock.after(POLL_MS, () => {
      this.#pollLater();
      void this.#look();
    });
  }

  #lookSoon(): void {
    this.#cancelSettling ??= this.#options.clock.after(SETTLE_MS, () => {
      this.#cancelSettling = undefined;
      void this.#look();
    });
  }

  async #look(): Promise<void> {
    if (this.#isLooking) {
      // A file system that takes so long is not asked twice at once.
      this.#lookSoon();
      return;
    }
    this.#isLooking = true;
    await this.#rewatch();
    this.#isLooking = false;
    if (!this.#isStopped) this.#options.onMayHaveChanged();
  }

  /** Watches the folders that are there now, before anybody reads them: no change falls between. */
  async #rewatch(): Promise<void> {
    for (const path of this.#names.keys()) {
      const identity = await identityOf(path);
      if (this.#isStopped) return;
      if (this.#watched.get(path)?.identity === identity) continue;
      this.#unwatch(path);
      if (identity !== undefined) this.#watch(path, identity);
    }
  }

  #watch(path: string, identity: string): void {
    const { watch = watchFolder } = this.#options;
    try {
      const watcher = watch(path, { persistent: false }, (_, name) => this.#onEvent(path, name));
      watcher.on('error', () => this.#unwatch(path));
      this.#watched.set(path, { watcher, identity });
    } catch {
      // None left, or none here: it is looked at all the same, only later.
    }
  }

  #unwatch(path: string): void {
    this.#watched.get(path)?.watcher.close();
    this.#watched.delete(path);
  }

  #onEvent(path: string, name: string | null): void {
    if (this.#isStopped) return;
    const names = this.#names.get(path);
    if (name !== null && names !== undefined && !names.has(name)) return;
    // A folder that was deleted and made again may have the identity of before.
    for (const each of this.#names.keys()) {
      const isGoneOrNew = each === path ? name === basename(path) : dirname(each) === path;
      if (isGoneOrNew && (name === null || name === basename(each))) this.#unwatch(each);
    }
    this.#lookSoon();
  }
}

async function identityOf(path: string): Promise<string | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) return undefined;
  return `${found.dev}:${found.ino}:${found.birthtimeMs}`;
}
