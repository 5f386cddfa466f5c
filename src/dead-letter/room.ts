/* How full a dead-letter store is. It knows every letter with its bytes, on the disk or about to
 * be, so that a put needs no look at the folder; only when there is no room left does it look
 * whether somebody has removed letters meanwhile.
 */
import { join } from 'node:path';
import { OperatingError } from '../base/errors.js';
import { mapAtOnce } from '../base/map-at-once.js';
import type { Disk } from './disk.js';
import { idOfFileName, letterFileName } from './letter.js';

/** Node's thread pool has four threads; a few more keep them busy. */
const lookAtOnce = 8;

export interface RoomOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly maxLetters: number;
}

export class Room {
  readonly bytesMax: number;
  readonly lettersMax: number;
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #letters = new Map<string, number>();
  /** Reserved and not on the disk yet. */
  readonly #unwritten = new Set<string>();
  #bytes = 0;
  #recounting: Promise<void> | undefined;

  constructor(disk: Disk, { folder, maxBytes, maxLetters }: RoomOptions) {
    this.#disk = disk;
    this.#folder = folder;
    this.bytesMax = maxBytes;
    this.lettersMax = maxLetters;
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

  /** Rejects with `ERR_DEAD_LETTER_FULL` where there is no room. */
  async reserve(id: string, bytes: number): Promise<void> {
    if (!this.#fits(bytes)) await this.recount().catch(() => {});
    if (!this.#fits(bytes)) throw this.#full(bytes);
    this.#add(id, bytes);
    this.#unwritten.add(id);
  }

  /** It is on the disk now, with `bytes` where fewer were written than reserved. */
  written(id: string, bytes?: number): void {
    this.#unwritten.delete(id);
    if (bytes === undefined) return;
    this.#bytes += bytes - (this.#letters.get(id) ?? 0);
    this.#letters.set(id, bytes);
  }

  release(id: string): void {
    this.#bytes -= this.#letters.get(id) ?? 0;
    this.#letters.delete(id);
    this.#unwritten.delete(id);
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
      const bytes = await this.#disk.bytes(join(this.#folder, letterFileName(id))).catch(() => 0);
      // A letter that was written meanwhile is known by now.
      if (!this.#letters.has(id)) this.#add(id, bytes);
    });
  }

  #add(id: string, bytes: number): void {
    this.#letters.set(id, bytes);
    this.#bytes += bytes;
  }

  #fits(bytes: number): boolean {
    return this.#letters.size < this.lettersMax && this.#bytes + bytes <= this.bytesMax;
  }

  #full(bytes: number): OperatingError {
    const what =
      bytes > this.bytesMax
        ? `a letter of ${bytes} bytes is larger than the ${this.bytesMax} bytes it may hold`
        : `full with ${this.#letters.size} letters, ${this.#bytes} bytes`;
    return new OperatingError(
      'ERR_DEAD_LETTER_FULL',
      `dead-letter store ${this.#folder}: ${what}; replay or remove letters`,
    );
  }
}
