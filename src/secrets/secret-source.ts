/* Where the values of secrets and config maps come from, and the one place that reads them: documents
 * beside the resources, or folders laid out as Kubernetes mounts them, <folder>/<name>/<key>. They are
 * read when a connection is made, and again for every later one: a folder may have new ones by then.
 *
 * No message here repeats a value.
 */
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { UsageError } from '../base/errors.js';
import { type Sealed, unseal } from './sealed.js';

export type ObjectKind = 'Secret' | 'ConfigMap';

/** By kind, name and key; values in base64, since they need not be text. */
export type InlineObjects = Readonly<
  Record<ObjectKind, Readonly<Record<string, Readonly<Record<string, string>>>>>
>;

/** Plain data, to be given to another thread as it is. */
export interface SecretSource {
  readonly secretsDir: string | undefined;
  readonly configMapsDir: string | undefined;
  /** Where Kubernetes puts the service account token; undefined: where Azure has it. */
  readonly serviceAccountTokenFile: string | undefined;
  /** The documents', which win over folders. */
  readonly inline: Sealed<InlineObjects>;
}

/** Kubernetes refuses an object over 1.5 MiB. */
const VALUE_BYTES_MAX = 2 * 1024 * 1024;
const KEYS_MAX = 1_000;

/**
 * Every key of an object with its value, literally: a line break at its end belongs to it. Rejects with
 * a UsageError where there is no such object, or a value is no text.
 */
export async function readObject(
  source: SecretSource,
  kind: ObjectKind,
  name: string,
): Promise<ReadonlyMap<string, string>> {
  const inline = unseal(source.inline)[kind];
  const found = Object.hasOwn(inline, name) ? inline[name] : undefined;
  const bytes =
    found === undefined
      ? await readMounted(source, kind, name)
      : Object.entries(found).map(([key, value]) => [key, Buffer.from(value, 'base64')] as const);
  return new Map(bytes.map(([key, value]) => [key, textOf(value, `${kind} ${name}, key ${key}`)]));
}

/** The folder that an object is read from; undefined: it is a document, or there are no folders. */
export function mountedFolder(
  source: SecretSource,
  kind: ObjectKind,
  name: string,
): string | undefined {
  if (Object.hasOwn(unseal(source.inline)[kind], name)) return undefined;
  const folder = kind === 'Secret' ? source.secretsDir : source.configMapsDir;
  return folder === undefined ? undefined : join(folder, name);
}

type Entry = readonly [key: string, value: Buffer];

async function readMounted(
  { secretsDir, configMapsDir }: SecretSource,
  kind: ObjectKind,
  name: string,
): Promise<Entry[]> {
  const option = kind === 'Secret' ? '--secrets-dir' : '--config-maps-dir';
  const folder = kind === 'Secret' ? secretsDir : configMapsDir;
  const remedy = `put the ${kind} beside the resources, or name its folder with ${option}`;
  if (folder === undefined) {
    throw new UsageError(`${kind} ${name} is not here, and is needed for a connection; ${remedy}`);
  }
  try {
    return await readFolder(join(folder, name));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code = 'unknown reason' } = error as NodeJS.ErrnoException;
    const what =
      code === 'ENOENT' ? `is not in ${folder}` : `in ${folder} cannot be read (${code})`;
    throw new UsageError(`${kind} ${name} ${what}; ${remedy}`);
  }
}

/** All keys as of one moment: Kubernetes makes a new folder for new values and swaps `..data`. */
async function readFolder(folder: string): Promise<Entry[]> {
  const version = await realpath(join(folder, '..data')).catch(() => folder);
  const keys = (await readdir(version)).filter((key) => !key.startsWith('.')).sort();
  const entries: Entry[] = [];
  for (const key of keys.slice(0, KEYS_MAX)) {
    const path = join(version, key);
    const found = await stat(path);
    if (!found.isFile()) continue;
    if (found.size > VALUE_BYTES_MAX) throw new UsageError(`${path} is too large to be a value`);
    entries.push([key, await readFile(path)]);
  }
  return entries;
}

function textOf(bytes: Buffer, place: string): string {
  try {
    // The mark is a character of the value like any other.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    if (!text.includes('\0')) return text;
  } catch {
    // Said below, without what the error says of the bytes.
  }
  throw new UsageError(`${place} is no text in UTF-8`);
}
