/* Writes one letter so that it is whole on the disk or not there at all:
 * create `<id>.part`, write meta and payload, write the header, sync, close, rename, sync folder.
 *
 * 1. The header is zero until everything else is written, so a `.part` never passes for a letter.
 * 2. After a failure nothing is left, or a `.part` that the next open of the store removes. What a
 *    failed sync has dropped cannot be synced again: the letter is written anew from the start.
 * 3. The payload is written from where it lies, at most `sliceBytes` at a time, so that its checksum
 *    never holds up the thread.
 */
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Disk, DiskFile } from './disk.js';
import { encodeHeader, headerBytes } from './format.js';
import { letterFileName } from './letter.js';

const sliceBytes = 1024 * 1024;
export const partExtension = '.part';

export class LetterFile {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #id: string;
  readonly #meta: Uint8Array;
  #file: DiskFile | undefined;
  #payloadBytes = 0;
  #payloadCrc = 0;

  constructor(disk: Disk, folder: string, letter: { id: string; meta: Uint8Array }) {
    this.#disk = disk;
    this.#folder = folder;
    this.#id = letter.id;
    this.#meta = letter.meta;
  }

  get payloadBytes(): number {
    return this.#payloadBytes;
  }

  async create(): Promise<void> {
    this.#file = await this.#disk.create(this.#partPath);
    await this.#writeAll(this.#meta, headerBytes);
  }

  async append(chunk: Uint8Array): Promise<void> {
    for (let start = 0; start < chunk.byteLength; start += sliceBytes) {
      const slice = chunk.subarray(start, start + sliceBytes);
      await this.#writeAll(slice, headerBytes + this.#meta.byteLength + this.#payloadBytes);
      this.#payloadCrc = crc32(slice, this.#payloadCrc);
      this.#payloadBytes += slice.byteLength;
    }
  }

  async commit(): Promise<void> {
    const header = encodeHeader({
      metaBytes: this.#meta.byteLength,
      metaCrc: crc32(this.#meta),
      payloadBytes: this.#payloadBytes,
      payloadCrc: this.#payloadCrc,
    });
    await this.#writeAll(header, 0);
    await this.#opened.sync();
    await this.#closeFile();
    await this.#disk.rename(this.#partPath, this.#path);
    await this.#disk.syncFolder(this.#folder);
  }

  /**
   * Removes what there is of it, also after a commit that failed half-way. Never rejects; false
   * where something may be left.
   */
  async abort(): Promise<boolean> {
    await this.#closeFile().catch(() => {});
    const paths = [this.#partPath, this.#path];
    const removals = await Promise.allSettled(paths.map((path) => this.#disk.remove(path)));
    return removals.every(({ status }) => status === 'fulfilled');
  }

  get #partPath(): string {
    return join(this.#folder, `${this.#id}${partExtension}`);
  }

  get #path(): string {
    return join(this.#folder, letterFileName(this.#id));
  }

  get #opened(): DiskFile {
    if (this.#file === undefined) throw new Error('the file of this letter is not open');
    return this.#file;
  }

  async #closeFile(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #writeAll(bytes: Uint8Array, position: number): Promise<void> {
    const file = this.#opened;
    for (let done = 0; done < bytes.byteLength; ) {
      const written = await file.write(bytes.subarray(done), position + done);
      // A disk that takes nothing and reports no error would keep this loop for ever.
      if (written <= 0) throw new Error('the disk took no bytes');
      done += written;
    }
  }
}
