/* SessionStore: which filters the broker may have in each of our sessions, across restarts. A filter is
 * written down before it is subscribed to and crossed out after the broker has given it up, so that
 * nothing is ever subscribed to and forgotten.
 */
import { open, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { OperatingError } from '../base/errors.js';
import { makeFolder, syncFolder } from '../base/folder.js';

/** By client identifier. */
type Filters = Map<string, readonly string[]>;

const STRING_BYTES_MAX = 65_535;

export class SessionStore {
  readonly #file: string;
  readonly #filters: Filters;
  /** What the file holds; undefined where nobody knows. */
  #written: string | undefined;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: string, filters: Filters, written: string | undefined) {
    this.#file = file;
    this.#filters = filters;
    this.#written = written;
  }

  /** Reads what an earlier run has left; `ERR_SESSION_STORE` where that cannot be used. */
  static async open(dataDir: string, name: string): Promise<SessionStore> {
    const file = join(dataDir, 'sessions', `${encodeURIComponent(name)}.json`);
    try {
      await makeFolder(dirname(file));
      const text = await readFile(file, 'utf8').catch(nothingWhereMissing);
      return new SessionStore(file, text === undefined ? new Map() : filtersOf(text), text);
    } catch (error) {
      throw failure(`${file} cannot be read`, error);
    }
  }

  /** Client identifiers that have filters written down. */
  get clientIds(): readonly string[] {
    return [...this.#filters.keys()];
  }

  filters(clientId: string): readonly string[] {
    return this.#filters.get(clientId) ?? [];
  }

  /**
   * Sets the filters of a session, none to forget it; resolves once that is on the disk, at once where it
   * is there already. Rejects with `ERR_SESSION_STORE` where it cannot be written.
   */
  async set(clientId: string, filters: readonly string[]): Promise<void> {
    if (filters.length === 0) this.#filters.delete(clientId);
    else this.#filters.set(clientId, filters);
    // One failure is its caller's; the next write is a new attempt.
    this.#writing = this.#writing.catch(() => {}).then(() => this.#write());
    return this.#writing;
  }

  async #write(): Promise<void> {
    const text = JSON.stringify(Object.fromEntries(this.#filters));
    // A restart with the same configuration needs no room on the disk.
    if (text === this.#written) return;
    this.#written = undefined;
    try {
      await this.#replace(text);
    } catch (error) {
      throw failure(`${this.#file} cannot be written`, error);
    }
    this.#written = text;
  }

  async #replace(text: string): Promise<void> {
    const temporary = `${this.#file}.part`;
    const handle = await open(temporary, 'w', 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, this.#file);
    await syncFolder(dirname(this.#file));
  }
}

function failure(what: string, error: unknown): OperatingError {
  const why = error instanceof Error ? error.message : String(error);
  return new OperatingError('ERR_SESSION_STORE', `${what}: ${why}`, { cause: error });
}

/** Throws where the text is anything but what `#write` writes. */
function filtersOf(text: string): Filters {
  const advice = 'remove it, and the broker keeps subscriptions that are configured no longer';
  let written: unknown;
  try {
    written = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Error(`it is damaged: ${why}; ${advice}`);
  }
  if (typeof written === 'object' && written !== null && !Array.isArray(written)) {
    const entries = Object.entries(written);
    if (entries.every(isSession)) return new Map(entries);
  }
  throw new Error(`it is damaged: no topic filters by client identifier; ${advice}`);
}

function isSession(entry: [string, unknown]): entry is [string, string[]] {
  const [clientId, filters] = entry;
  return isMqttString(clientId) && Array.isArray(filters) && filters.every(isMqttString);
}

function isMqttString(value: unknown): boolean {
  return typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= STRING_BYTES_MAX;
}

function nothingWhereMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
