/* How full a dead-letter store is. It knows every letter with its bytes, on the disk or about to
 * be, so that a put needs no look at the folder; only when there is no room left does it look
 * whether somebody has removed letters meanwhile.
 *
 * With several routes each may take its fair share only, of letters and of bytes: whoever publishes what
 * can never be delivered takes no room from the other routes. Letters of routes that are configured no
 * longer, damaged ones and those without a route share one part.
 */
import { join } from 'node:path';
import { OperatingError } from '../base/errors.js';
import { FairShare } from '../base/fair-share.js';
import { mapAtOnce } from '../base/map-at-once.js';
import type { Disk } from './disk.js';
import { idOfFileName, letterFileName } from './letter.js';
import { summarize } from './reader.js';

/** Node's thread pool has four threads; a few more keep them busy. */
const lookAtOnce = 8;

export interface RoomOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly maxLetters: number;
  /** Names of the routes that share it. */
  readonly routes: readonly string[];
}

interface Held {
  readonly bytes: number;
  readonly owner: number;
}

export class Room {
  readonly bytesMax: number;
  readonly lettersMax: number;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #letters = new Map<string, Held>();
  /** By the route's name; every other letter is the last owner's. */
  readonly #owners: ReadonlyMap<string, number>;
  readonly #letterShare: FairShare;
  readonly #byteShare: FairShare;
  /** Reserved and not on the disk yet. */
  readonly #unwritten = new Set<string>();
  #bytes = 0;
  #recounting: Promise<void> | undefined;

  constructor(disk: Disk, { folder, maxBytes, maxLetters, routes }: RoomOptions) {
    this.#disk = disk;
    this.#folder = folder;
    this.bytesMax = maxBytes;
    this.lettersMax = maxLetters;
    // One route has all of it.
    this.#owners = new Map((routes.length > 1 ? routes : []).map((name, index) => [name, index]));
    this.#letterShare = new FairShare(maxLetters, this.#owners.size + 1);
    this.#byteShare = new FairShare(maxBytes, this.#owners.size + 1);
  }

  get letters(): number {
    return this.#letters.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  newestId(): string | undefined {
    return [...this.#letters.keys()].reduce<string | undefined>(
      (newest, id) => (newest === undefined || id > newest ? id : newest),
      undefined,
    );
  }

  /** Rejects with `ERR_DEAD_LETTER_FULL` where there is no room, or none for this route. */
  async reserve(id: string, route: string | undefined, bytes: number): Promise<void> {
    const owner = this.#ownerOf(route);
    if (this.#lacking(owner, bytes) !== undefined) await this.recount().catch(() => {});
    const lacking = this.#lacking(owner, bytes);
    if (lacking !== undefined) throw this.#full(lacking);
    this.#add(id, { bytes, owner });
    this.#unwritten.add(id);
  }

  /** It is on the disk now, with `bytes` where fewer were written than reserved. */
  written(id: string, bytes?: number): void {
    this.#unwritten.delete(id);
    const held = this.#letters.get(id);
    if (bytes === undefined || held === undefined) return;
    this.release(id);
    this.#add(id, { bytes, owner: held.owner });
  }

  release(id: string): void {
    this.#unwritten.delete(id);
    const held = this.#letters.get(id);
    if (held === undefined) return;
    this.#letters.delete(id);
    this.#bytes -= held.bytes;
    this.#letterShare.give(held.owner, 1);
    this.#byteShare.give(held.owner, held.bytes);
  }

  /** Whoever needs a recount while one runs takes its result. */
  recount(): Promise<void> {
    this.#recounting ??= this.#compareWithFolder().finally(() => {
      this.#recounting = undefined;
    });
    return this.#recounting;
  }

  async #compareWithFolder(): Promise<void> {
    // Taken before the folder is read: what is written meanwhile is not missing from it.
    const before = [...this.#letters.keys()].filter((id) => !this.#unwritten.has(id));
    const names = await this.#disk.list(this.#folder, 'files');
    const found = new Set(names.map(idOfFileName).filter((id) => id !== undefined));
    for (const id of before) if (!found.has(id)) this.release(id);
    const unknown = [...found].filter((id) => !this.#letters.has(id));
    await mapAtOnce(unknown, lookAtOnce, async (id) => {
      const held = await this.#look(id);
      // A letter that was written meanwhile is known by now.
      if (held !== undefined && !this.#letters.has(id)) this.#add(id, held);
    });
  }

  /** `undefined` where it has vanished. What cannot be read takes room nevertheless. */
  async #look(id: string): Promise<Held | undefined> {
    const ref = { id, path: join(this.#folder, letterFileName(id)) };
    try {
      const letter = await summarize(this.#disk, ref);
      if (letter === undefined) return undefined;
      const route = letter.state === 'whole' ? letter.meta.route : undefined;
      return { bytes: letter.fileBytes, owner: this.#ownerOf(route) };
    } catch {
      const bytes = await this.#disk.bytes(ref.path).catch(() => 0);
      return { bytes, owner: this.#ownerOf(undefined) };
    }
  }

  #ownerOf(route: string | undefined): number {
    return this.#owners.get(route ?? '') ?? this.#owners.size;
  }

  #add(id: string, held: Held): void {
    this.#letters.set(id, held);
    this.#bytes += held.bytes;
    this.#letterShare.take(held.owner, 1);
    this.#byteShare.take(held.owner, held.bytes);
  }

  /** What stands in the way of such a letter; `undefined` where it fits. */
  #lacking(owner: number, bytes: number): string | undefined {
    if (bytes > this.bytesMax) {
      return `a letter of ${bytes} bytes is larger than the ${this.bytesMax} bytes it may hold`;
    }
    if (this.#letters.size >= this.lettersMax || this.#bytes + bytes > this.bytesMax) {
      return `full with ${this.#letters.size} letters, ${this.#bytes} bytes`;
    }
    if (this.#letterShare.mayTake(owner, 1) && this.#byteShare.mayTake(owner, bytes)) return;
    return 'the route has its share of it, what is free is for the others';
  }

  #full(what: string): OperatingError {
    return new OperatingError(
      'ERR_DEAD_LETTER_FULL',
      `dead-letter store ${this.#folder}: ${what}; replay or remove letters`,
    );
  }
}
