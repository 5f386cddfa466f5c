/* SessionStore: which filters the broker may have in each of our sessions, across restarts. A filter is
 * written down before it is subscribed to and crossed out after the broker has given it up, so that
 * nothing is ever subscribed to and forgotten.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OperatingError } from '../base/errors.js';

type Filters = Record<string, readonly string[]>;

export class SessionStore {
  readonly #file: string;
  #filters: Filters;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, filters: Filters) {
    this.#file = file;
    this.#filters = filters;
  }

  /** Reads what an earlier run has left; an OperatingError where the folder cannot be used. */
  static async open(dataDir: string, name: string): Promise<SessionStore> {
    const file = join(dataDir, 'sessions', `${encodeURIComponent(name)}.json`);
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      return new SessionStore(file, JSON.parse(await readFile(file, 'utf8')) as Filters);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new SessionStore(file, {});
      const why = error instanceof Error ? error.message : String(error);
      throw new OperatingError('ERR_SESSION_STORE', `${file} cannot be read: ${why}`);
    }
  }

  /** Client identifiers that have filters written down. */
  get clientIds(): readonly string[] {
    return Object.keys(this.#filters);
  }

  filters(clientId: string): readonly string[] {
    return this.#filters[clientId] ?? [];
  }

  /** Sets the filters of a session, none to forget it; resolves once that is on the disk. */
  async set(clientId: string, filters: readonly string[]): Promise<void> {
    const { [clientId]: _, ...others } = this.#filters;
    this.#filters = filters.length === 0 ? others : { ...others, [clientId]: filters };
    // One failure is its caller's; the next write is a new attempt.
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const temporary = `${this.#file}.part`;
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(JSON.stringify(this.#filters));
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, this.#file);
    const folder = await open(dirname(this.#file));
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}
