/* Files, folders and standard input -> documents. Nothing is read beyond the bounds below. */
import { createReadStream } from 'node:fs';
import { readdir, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../base/errors.js';
import { parseDocuments, type SourceDocument } from './document.js';
import { type Fault, fileProblem } from './problem-list.js';

/** Kubernetes refuses objects over 1.5 MiB, so this holds several of the largest. */
export const FILE_BYTES_MAX = 4 * 1024 * 1024;
export const FILES_MAX = 1_000;
const FOLDERS_MAX = 1_000;
const RESOURCE_FILE = /\.(yaml|yml|json)$/;

/** `-`, as on the command line, and as the file's name in problems. */
export const STANDARD_INPUT = '-';

export type ByteSource = AsyncIterable<Uint8Array | string>;

export interface Loaded {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly Problem[];
}

/** Reads `paths` in the order given, folders in the order of their names, each file once. */
export async function loadDocuments(
  paths: readonly string[],
  stdin: ByteSource | undefined,
): Promise<Loaded> {
  const problems: Problem[] = [];
  const documents: SourceDocument[] = [];
  const walk: Walk = { files: new Map(), folders: new Set(), problems };
  for (const path of paths) {
    if (path === STANDARD_INPUT) addOnce(walk, STANDARD_INPUT, STANDARD_INPUT);
    else await addPath(walk, path);
  }
  for (const file of walk.files.values()) {
    const text = await readText(file, stdin, problems);
    if (text === undefined) continue;
    const parsed = parseDocuments(file, text);
    documents.push(...parsed.documents);
    problems.push(...parsed.problems);
  }
  return { documents, problems };
}

interface Walk {
  /** By real path, so that a file that is named twice is read once. */
  readonly files: Map<string, string>;
  /** Real paths, so that a circle of symbolic links ends. */
  readonly folders: Set<string>;
  readonly problems: Problem[];
}

function addOnce(walk: Walk, file: string, identity: string): void {
  if (walk.files.has(identity)) return;
  if (walk.files.size < FILES_MAX) walk.files.set(identity, file);
  else throw new TooMany(`${FILES_MAX} files`);
}

class TooMany extends Error {}

async function addPath(walk: Walk, path: string): Promise<void> {
  try {
    const isFolder = (await stat(path)).isDirectory();
    if (!isFolder) addOnce(walk, path, await realpath(path));
    else if (!(await addFolder(walk, path))) {
      const message = 'has no *.yaml, *.yml or *.json file in it';
      walk.problems.push(fileProblem(path, 0, { message, hint: 'name a file, or another folder' }));
    }
  } catch (error) {
    if (!(error instanceof TooMany)) walk.problems.push(fileProblem(path, 0, readFault(error)));
    else {
      const fault = { message: `brings more than ${error.message}`, hint: 'name a smaller folder' };
      walk.problems.push(fileProblem(path, 0, fault));
    }
  }
}

/** Whether there are files in it. Hidden entries are left out: a mounted config map keeps its old
 * versions in `..data`. */
async function addFolder(walk: Walk, folder: string): Promise<boolean> {
  const identity = await realpath(folder);
  if (walk.folders.has(identity)) return true;
  if (walk.folders.size >= FOLDERS_MAX) throw new TooMany(`${FOLDERS_MAX} folders`);
  walk.folders.add(identity);
  const names = (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
  let hasFiles = false;
  for (const name of names) hasFiles = (await addEntry(walk, join(folder, name))) || hasFiles;
  return hasFiles;
}

/** An entry that cannot be read is reported by itself: the others of its folder are read. */
async function addEntry(walk: Walk, path: string): Promise<boolean> {
  try {
    const found = await stat(path);
    if (found.isDirectory()) return await addFolder(walk, path);
    if (!found.isFile() || !RESOURCE_FILE.test(path)) return false;
    addOnce(walk, path, await realpath(path));
  } catch (error) {
    if (error instanceof TooMany) throw error;
    walk.problems.push(fileProblem(path, 0, readFault(error)));
  }
  return true;
}

async function readText(
  file: string,
  stdin: ByteSource | undefined,
  problems: Problem[],
): Promise<string | undefined> {
  try {
    const bytes = await readAll(file === STANDARD_INPUT ? stdin : createReadStream(file));
    if (bytes !== undefined) {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    }
    const message = `is larger than ${FILE_BYTES_MAX / 1024 / 1024} MiB and was not read`;
    problems.push(fileProblem(file, 0, { message, hint: 'split it into several files' }));
  } catch (error) {
    problems.push(fileProblem(file, 0, readFault(error)));
  }
  return undefined;
}

/** `undefined` where there is more than FILE_BYTES_MAX; a pipe does not say beforehand. */
async function readAll(source: ByteSource | undefined): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source ?? []) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    if (size > FILE_BYTES_MAX) return undefined;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

/** What a failed read means; also for folders of secrets. */
export function readFault(error: unknown): Fault {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT') return { message: 'does not exist', hint: 'check the path' };
  if (code === 'EACCES') return { message: 'may not be read', hint: 'check its permissions' };
  if (code === 'ENOTDIR') return { message: 'is not a folder', hint: 'name a folder' };
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') {
    return { message: 'is not valid UTF-8', hint: 'save it as UTF-8' };
  }
  return { message: `cannot be read (${code ?? 'unknown reason'})`, hint: 'check the path' };
}
