/* Reading letters back, for people. A store may be at work in the same folder: letters can appear
 * and vanish between two calls.
 */
import { basename, dirname, join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { OperatingError, UsageError } from '../base/errors.js';
import type { Disk, DiskFile } from './disk.js';
import { deadLetterRoot } from './folders.js';
import {
  DamagedLetterError,
  decodeHeader,
  decodeMeta,
  type Header,
  headerBytes,
} from './format.js';
import { idOfFileName, isLetterId, letterFileName, type StoredMeta } from './letter.js';

const sliceBytes = 1024 * 1024;

/** A letter's file, not yet opened. */
export interface LetterRef {
  readonly id: string;
  readonly path: string;
}

export type LetterSummary = LetterRef & { readonly fileBytes: number } & (
    | { readonly state: 'whole'; readonly meta: StoredMeta; readonly payloadBytes: number }
    | { readonly state: 'damaged'; readonly problem: string }
  );

/**
 * Every letter of every connector, oldest first. A folder that `run` never used would look like one
 * without letters, so that is a UsageError; one that cannot be read is `ERR_DEAD_LETTER_IO`.
 */
export async function findLetters(disk: Disk, dataDir: string): Promise<LetterRef[]> {
  const root = deadLetterRoot(dataDir);
  const letters: LetterRef[] = [];
  for (const folder of await connectorFolders(disk, dataDir)) {
    for (const name of await readable(root, disk.list(join(root, folder), 'files'))) {
      const id = idOfFileName(name);
      if (id !== undefined) letters.push({ id, path: join(root, folder, name) });
    }
  }
  return letters.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/**
 * Rejects with `ERR_DEAD_LETTER_ID` unless `id` is one and its letter exists; nothing but letters can
 * be named. Rejects as `findLetters` does for a wrong folder.
 */
export async function findLetter(disk: Disk, dataDir: string, id: string): Promise<LetterRef> {
  if (!isLetterId(id)) {
    throw new OperatingError(
      'ERR_DEAD_LETTER_ID',
      `${JSON.stringify(id)} is no identifier of a dead letter; \`dead-letters list\` shows them`,
    );
  }
  const root = deadLetterRoot(dataDir);
  for (const folder of await connectorFolders(disk, dataDir)) {
    const names = await readable(root, disk.list(join(root, folder), 'files'));
    const name = letterFileName(id);
    if (names.includes(name)) return { id, path: join(root, folder, name) };
  }
  throw new OperatingError('ERR_DEAD_LETTER_ID', `there is no dead letter ${id} in ${root}`);
}

async function connectorFolders(disk: Disk, dataDir: string): Promise<string[]> {
  const root = deadLetterRoot(dataDir);
  if (await readable(root, disk.isFolder(root))) return readable(root, disk.list(root, 'folders'));
  const advice =
    'give the --data-dir that `millrace run` was started with (its default: millrace-data)';
  if (!(await readable(root, disk.isFolder(dataDir)))) {
    throw new UsageError(`there is no folder ${dataDir}; ${advice}`);
  }
  const inside = [dataDir, dirname(resolve(dataDir))].find(
    (path) => basename(resolve(path)) === basename(root),
  );
  const above = inside === undefined ? advice : `give the one above, ${dirname(inside)}`;
  throw new UsageError(`${dataDir} has no folder ${basename(root)}; ${above}`);
}

async function readable<T>(path: string, step: Promise<T>): Promise<T> {
  try {
    return await step;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new OperatingError('ERR_DEAD_LETTER_IO', `${path} cannot be read: ${why}`, { cause });
  }
}

/**
 * Header and meta only; `undefined` where the letter has vanished. The payload is not checked. What
 * is damaged is told in the summary; rejects with `ERR_DEAD_LETTER_IO` where it cannot be read.
 */
export async function summarize(disk: Disk, ref: LetterRef): Promise<LetterSummary | undefined> {
  const opened = disk.open(ref.path).catch(nothingWhereMissing);
  const file = await readable(ref.path, opened);
  if (file === undefined) return undefined;
  try {
    const fileBytes = await disk.bytes(ref.path);
    try {
      const { header, meta } = await readMeta(file, fileBytes, ref.id);
      return { ...ref, fileBytes, state: 'whole', meta, payloadBytes: header.payloadBytes };
    } catch (error) {
      if (!(error instanceof DamagedLetterError)) throw error;
      return { ...ref, fileBytes, state: 'damaged', problem: error.message };
    }
  } finally {
    await file.close();
  }
}

export interface OpenLetter extends LetterRef {
  readonly meta: StoredMeta;
  readonly payloadBytes: number;
  /** Piece by piece; throws `DamagedLetterError` at the end where the checksum is wrong. */
  payload(): AsyncGenerator<Uint8Array>;
  close(): Promise<void>;
}

/** Rejects with a `DamagedLetterError`, or with the disk's own error. Whoever opens it closes it. */
export async function openLetter(disk: Disk, ref: LetterRef): Promise<OpenLetter> {
  const file = await disk.open(ref.path);
  try {
    const { header, meta } = await readMeta(file, await disk.bytes(ref.path), ref.id);
    return {
      ...ref,
      meta,
      payloadBytes: header.payloadBytes,
      payload: () => readPayload(file, header),
      close: () => file.close(),
    };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The whole payload, checked: rejects with a `DamagedLetterError`. It is held in memory. */
export async function readWholePayload(letter: OpenLetter): Promise<Uint8Array> {
  const whole = new Uint8Array(letter.payloadBytes);
  let position = 0;
  for await (const chunk of letter.payload()) {
    whole.set(chunk, position);
    position += chunk.byteLength;
  }
  return whole;
}

async function readMeta(file: DiskFile, fileBytes: number, id: string) {
  const header = decodeHeader(await readAt(file, 0, Math.min(headerBytes, fileBytes)), fileBytes);
  const meta = await readAt(file, headerBytes, header.metaBytes);
  return { header, meta: decodeMeta(meta, header, id) };
}

async function* readPayload(file: DiskFile, header: Header): AsyncGenerator<Uint8Array> {
  const start = headerBytes + header.metaBytes;
  let crc = 0;
  for (let done = 0; done < header.payloadBytes; ) {
    const chunk = await readAt(
      file,
      start + done,
      Math.min(sliceBytes, header.payloadBytes - done),
    );
    crc = crc32(chunk, crc);
    done += chunk.byteLength;
    yield chunk;
  }
  if (crc !== header.payloadCrc) throw new DamagedLetterError('checksum of the payload is wrong');
}

async function readAt(file: DiskFile, position: number, byteCount: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(byteCount);
  for (let done = 0; done < byteCount; ) {
    const count = await file.read(bytes.subarray(done), position + done);
    if (count === 0) throw new DamagedLetterError('shorter than its header says');
    done += count;
  }
  return bytes;
}

function nothingWhereMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
