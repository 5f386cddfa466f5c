/* The dead letters of one connector: a folder with one file for each, bounded in letters and bytes.
 * Main thread; the connector's process is the only writer, while `millrace dead-letters` may remove
 * files at any time.
 *
 * 1. `put` and `commit` resolve only when the letter would survive a power cut.
 * 2. `maxLetters` and `maxBytes` bound what is on the disk and what is being written together: room
 *    is reserved before the first byte. So they bound what waits for a turn as well.
 * 3. At most `writersMax` letters are written at once; the others wait in order.
 * 4. A letter that could not be written leaves no trace, and its room is free again, unless the
 *    disk does not even let it be removed.
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { OperatingError } from '../base/errors.js';
import { type Disk, nodeDisk } from './disk.js';
import { encodeMeta, headerBytes } from './format.js';
import { type DeadLetter, type DeadLetterMeta, LetterIds } from './letter.js';
import { LetterFile, partExtension } from './letter-file.js';
import { LetterStream } from './letter-stream.js';
import { Room } from './room.js';

const writersMax = 4;

export interface DeadLetterStoreOptions {
  readonly folder: string;
  readonly maxBytes: number;
  readonly maxLetters: number;
  /** Names of the routes that share the room; with fewer than two there is nothing to share. */
  readonly routes?: readonly string[];
  readonly disk?: Disk;
}

/** Makes the folder, removes what an earlier run left half-written, and counts what is there. */
export async function openDeadLetterStore(
  options: DeadLetterStoreOptions,
): Promise<DeadLetterStore> {
  const disk = options.disk ?? nodeDisk;
  try {
    await disk.makeFolder(options.folder);
    for (const name of await disk.list(options.folder, 'files')) {
      if (name.endsWith(partExtension)) await disk.remove(join(options.folder, name));
    }
    const room = new Room(disk, { routes: [], ...options });
    await room.recount();
    return new DeadLetterStore(disk, options.folder, room);
  } catch (error) {
    throw ioError(options.folder, 'cannot be opened', error);
  }
}

export class DeadLetterStore {
  readonly #disk: Disk;
  readonly #folder: string;
  readonly #room: Room;
  readonly #ids: LetterIds;
  readonly #streams = new Set<LetterStream>();
  readonly #puts = new Set<Promise<string>>();
  readonly #waiting: (() => void)[] = [];
  #writers = 0;
  #closed = false;

  /** Use `openDeadLetterStore`. */
  constructor(disk: Disk, folder: string, room: Room) {
    this.#disk = disk;
    this.#folder = folder;
    this.#room = room;
    this.#ids = new LetterIds(() => randomBytes(4).toString('hex'), room.newestId());
  }

  get letters(): number {
    return this.#room.letters;
  }

  get bytes(): number {
    return this.#room.bytes;
  }

  get maxLetters(): number {
    return this.#room.lettersMax;
  }

  get maxBytes(): number {
    return this.#room.bytesMax;
  }

  /**
   * Resolves with the letter's identifier once it is durable. Rejects with `ERR_DEAD_LETTER_FULL`
   * or `ERR_DEAD_LETTER_IO`: the caller then holds the message and tries again later.
   */
  put(letter: DeadLetter): Promise<string> {
    const put = this.#write(letter).finally(() => this.#puts.delete(put));
    this.#puts.add(put);
    return put;
  }

  /** Reserves `maxPayloadBytes` until the stream ends. It waits for no turn, its sender is slow. */
  async begin(meta: DeadLetterMeta, maxPayloadBytes: number): Promise<LetterStream> {
    const { id, file, metaBytes } = await this.#reserve(meta, maxPayloadBytes);
    try {
      await file.create();
      if (this.#closed) throw new Error('it is closed');
    } catch (error) {
      await this.#giveUp(id, file);
      throw ioError(this.#folder, 'cannot take a letter', error);
    }
    const stream = new LetterStream({
      id,
      file,
      maxPayloadBytes,
      fault: (error) => ioError(this.#folder, 'cannot take a letter', error),
      committed: () => {
        this.#room.written(id, headerBytes + metaBytes + file.payloadBytes);
        this.#streams.delete(stream);
      },
      aborted: async () => {
        this.#streams.delete(stream);
        await this.#giveUp(id, file);
      },
    });
    this.#streams.add(stream);
    return stream;
  }

  /** Lets what is being written finish, gives up open streams, and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#streams].map((stream) => stream.abort()));
    await Promise.allSettled(this.#puts);
  }

  async #write(letter: DeadLetter): Promise<string> {
    const { id, file } = await this.#reserve(letter, letter.payload.byteLength);
    try {
      await this.#turn();
      try {
        await file.create();
        await file.append(letter.payload);
        await file.commit();
      } finally {
        this.#endTurn();
      }
    } catch (error) {
      await this.#giveUp(id, file);
      throw ioError(this.#folder, 'cannot take a letter', error);
    }
    this.#room.written(id);
    return id;
  }

  async #reserve(meta: DeadLetterMeta, payloadBytes: number) {
    if (this.#closed)
      throw ioError(this.#folder, 'cannot take a letter', new Error('it is closed'));
    const id = this.#ids.next(meta.timeMs);
    const metaEncoded = encodeMeta(id, meta);
    const metaBytes = metaEncoded.byteLength;
    await this.#room.reserve(id, meta.route, headerBytes + metaBytes + payloadBytes);
    const file = new LetterFile(this.#disk, this.#folder, { id, meta: metaEncoded });
    return { id, file, metaBytes };
  }

  async #giveUp(id: string, file: LetterFile): Promise<void> {
    // What cannot be removed still takes its room.
    if (await file.abort()) this.#room.release(id);
  }

  async #turn(): Promise<void> {
    if (this.#writers < writersMax) {
      this.#writers += 1;
      return;
    }
    // Whoever ends its turn hands it over, so `#writers` stays as it is.
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #endTurn(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#writers -= 1;
    else next();
  }
}

function ioError(folder: string, what: string, cause: unknown): OperatingError {
  if (cause instanceof OperatingError) return cause;
  const why = cause instanceof Error ? cause.message : String(cause);
  return new OperatingError('ERR_DEAD_LETTER_IO', `dead-letter store ${folder} ${what}: ${why}`, {
    cause,
  });
}
