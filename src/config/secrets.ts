/* Secrets and config maps by name: from documents beside the resources, or from folders laid out
 * as Kubernetes mounts them, <folder>/<name>/<key>. Only which keys exist is kept; no value is
 * ever held here or put into a message.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Problem } from '../base/errors.js';
import type { SourceDocument } from './document.js';
import { readFault } from './load.js';
import { type Fault, fileProblem, type Path, type Reporter, reporterFor } from './problem-list.js';
import { fieldOf, labelOf, nameOf, reportPlaceholders } from './resource.js';

/** The keys of an object, each with whether it has a value. */
export type Keys = ReadonlyMap<string, boolean>;
export type Mounted = ReadonlyMap<string, Keys>;

const FOLDERS_MAX = 10_000;
const KEYS_MAX = 1_000;

/** The folders of one `--secrets-dir` or `--config-maps-dir`. */
export async function readMounted(folder: string, problems: Problem[]): Promise<Mounted> {
  const objects = new Map<string, Keys>();
  try {
    for (const name of (await visibleNames(folder)).slice(0, FOLDERS_MAX)) {
      const path = join(folder, name);
      if ((await stat(path)).isDirectory()) objects.set(name, await readKeys(path));
    }
  } catch (error) {
    problems.push(fileProblem(folder, 0, readFault(error)));
  }
  return objects;
}

async function readKeys(folder: string): Promise<Keys> {
  const keys = new Map<string, boolean>();
  for (const key of (await visibleNames(folder)).slice(0, KEYS_MAX)) {
    const found = await stat(join(folder, key));
    if (found.isFile()) keys.set(key, found.size > 0);
  }
  return keys;
}

async function visibleNames(folder: string): Promise<readonly string[]> {
  return (await readdir(folder)).filter((name) => !name.startsWith('.')).sort();
}

interface ObjectKind {
  readonly kind: 'Secret' | 'ConfigMap';
  readonly plainField: string;
  readonly base64Field: string;
  readonly option: string;
}

const SECRET: ObjectKind = {
  kind: 'Secret',
  plainField: 'stringData',
  base64Field: 'data',
  option: '--secrets-dir',
};
const CONFIG_MAP: ObjectKind = {
  kind: 'ConfigMap',
  plainField: 'data',
  base64Field: 'binaryData',
  option: '--config-maps-dir',
};

/** Answers whether what a resource names is there. */
export class ObjectStore {
  readonly #kind: ObjectKind;
  readonly #objects = new Map<string, Keys>();
  /** Whether there is anything to check names against. */
  readonly #given: boolean;

  constructor(
    kind: 'Secret' | 'ConfigMap',
    documents: readonly SourceDocument[],
    mounted: Mounted | undefined,
    problems: Problem[],
  ) {
    this.#kind = kind === 'Secret' ? SECRET : CONFIG_MAP;
    this.#given = mounted !== undefined || documents.length > 0;
    const lines = new Map<string, string>();
    for (const document of documents) this.#add(document, lines, problems);
    for (const [name, keys] of mounted ?? []) {
      if (!this.#objects.has(name)) this.#objects.set(name, keys);
    }
  }

  /** Reports at `path` unless `name` is there with all of `keys`; with no keys, with any key. */
  require(name: string, keys: readonly string[], path: Path, report: Reporter): void {
    const { kind, option } = this.#kind;
    const found = this.#objects.get(name);
    if (found === undefined) {
      const hint = `put the ${kind} beside the resources, or name its folder with ${option}`;
      if (this.#given) report.error(path, { message: `there is no ${kind} ${name}`, hint });
      else report.warning(path, { message: `${kind} ${name} is not here to be checked`, hint });
      return;
    }
    if (keys.length === 0 && ![...found.values()].includes(true)) {
      const message = `${kind} ${name} has no key with a value`;
      report.error(path, { message, hint: 'add the CA certificate in PEM format' });
    }
    for (const key of keys) {
      const hint = `it needs ${keys.join(' and ')}`;
      if (!found.has(key)) {
        report.error(path, { message: `${kind} ${name} has no key ${key}`, hint });
      } else if (found.get(key) === false) {
        report.error(path, { message: `${kind} ${name} has an empty ${key}`, hint });
      }
    }
  }

  #add(document: SourceDocument, seen: Map<string, string>, problems: Problem[]): void {
    const { kind, plainField, base64Field } = this.#kind;
    const report = reporterFor(problems, document, labelOf(kind, document));
    reportPlaceholders(document, report);
    if (fieldOf(document.value, 'apiVersion') !== 'v1') {
      report.error(['apiVersion'], { message: 'is not that of this kind', hint: 'write v1' });
    }
    const name = nameOf(document);
    if (name === '') {
      report.error(['metadata', 'name'], { message: 'is missing', hint: `name the ${kind}` });
      return;
    }
    const first = seen.get(name);
    if (first !== undefined) {
      report.error(['metadata', 'name'], twiceFault(kind, name, first));
      return;
    }
    seen.set(name, `${document.file}:${document.lineAt([])}`);
    const keys = new Map<string, boolean>();
    collectKeys(document, base64Field, base64Fault, keys, report);
    collectKeys(document, plainField, () => undefined, keys, report);
    this.#objects.set(name, keys);
  }
}

/** For the second of two objects of one kind and name; `first` is the place of the first, `file:line`. */
export function twiceFault(kind: string, name: string, first: string): Fault {
  return {
    message: `${kind} ${name} is there twice; the first is at ${first}`,
    hint: 'rename one of the two; namespaces make no difference here',
  };
}

function collectKeys(
  document: SourceDocument,
  field: string,
  faultOf: (value: string) => Fault | undefined,
  keys: Map<string, boolean>,
  report: Reporter,
): void {
  const data = fieldOf(document.value, field);
  if (data === undefined) return;
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    report.error([field], {
      message: 'is no mapping',
      hint: 'must be a mapping of keys to values',
    });
    return;
  }
  for (const [key, value] of Object.entries(data)) {
    if (typeof value !== 'string') {
      report.error([field, key], { message: 'is not a string', hint: 'put it in quotes' });
      keys.set(key, true);
      continue;
    }
    const fault = faultOf(value);
    if (fault !== undefined) report.error([field, key], fault);
    keys.set(key, value !== '');
  }
}

function base64Fault(value: string): Fault | undefined {
  const text = value.replaceAll(/\s/g, '');
  if (text.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  return { message: 'is not base64', hint: 'encode it, or use stringData in a Secret' };
}
