/* Text -> documents that remember the line of every field.
 *
 * 1. Everything is bounded before it is built: nesting is measured on the concrete syntax tree,
 *    which yaml makes without recursion, because its composer recurses and V8 ends the process
 *    when a regular expression is compiled with the stack nearly gone.
 * 2. No message repeats text of the file: it may hold a Secret.
 * 3. A null in a mapping counts as absent, as in Kubernetes.
 */
import {
  type Alias,
  Composer,
  type CST,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  Parser,
  type Range,
} from 'yaml';
import type { Problem } from '../base/errors.js';
import { type Placeholder, placeholdersIn, shieldPlaceholders } from './placeholders.js';
import { type Fault, fileProblem, formatPath, type Path } from './problem-list.js';
import { yamlFault } from './yaml-faults.js';

export const DOCUMENTS_MAX = 1_000;
const NESTING_MAX = 64;
const ALIASES_MAX = 100;
/** Counted after aliases are expanded; a document of a thousand routes has some 20,000. */
const NODES_MAX = 500_000;

export interface SourceDocument {
  readonly file: string;
  readonly value: unknown;
  readonly placeholders: readonly Placeholder[];
  /** The line of a field, or of the nearest thing around it that was written. */
  lineAt(path: Path): number;
  /** The fields that a mapping was written with: without defaults, with what proved wrong. */
  written(path: Path): readonly string[];
}

export interface ParsedText {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly Problem[];
}

/** Reads every document of a file; a broken one is reported and the others are kept. */
export function parseDocuments(file: string, text: string): ParsedText {
  const lineCounter = new LineCounter();
  const documents: SourceDocument[] = [];
  const problems: Problem[] = [];
  const lineOf = (offset: number) => lineCounter.linePos(offset).line;
  const shielded = shieldPlaceholders(text);
  const tokens = boundedTokens(new Parser(lineCounter.addNewLine).parse(shielded));
  const composer = new Composer({ uniqueKeys: false, stringKeys: true });
  try {
    let count = 0;
    for (const document of composer.compose(tokens, false, shielded.length)) {
      count += 1;
      if (count > DOCUMENTS_MAX) {
        throw new LimitError(document.range[0], `more than ${DOCUMENTS_MAX} documents`);
      }
      const fault = document.errors[0] ?? document.warnings[0];
      if (fault !== undefined) {
        problems.push(fileProblem(file, lineOf(fault.pos[0]), yamlFault(fault.code)));
        continue;
      }
      if (document.contents === null || isEmptyScalar(document.contents)) continue;
      documents.push(new Conversion(file, document, lineOf, problems).run());
    }
  } catch (error) {
    if (!(error instanceof LimitError)) throw error;
    problems.push(fileProblem(file, lineOf(error.offset), error.fault()));
  }
  return { documents, problems };
}

class LimitError extends Error {
  readonly offset: number;
  constructor(offset: number, what: string) {
    super(what);
    this.offset = offset;
  }
  fault(): Fault {
    return {
      message: `has ${this.message}; the rest of the file is not read`,
      hint: 'split the file, or write it without aliases and deep nesting',
    };
  }
}

function* boundedTokens(tokens: Iterable<CST.Token>): Iterable<CST.Token> {
  for (const token of tokens) {
    const offset = tooDeepAt(token);
    if (offset !== undefined) throw new LimitError(offset, `more than ${NESTING_MAX} levels`);
    yield token;
  }
}

/** The offset of something nested deeper than NESTING_MAX. */
function tooDeepAt(root: CST.Token): number | undefined {
  const stack: { token: CST.Token; depth: number }[] = [{ token: root, depth: 0 }];
  for (let entry = stack.pop(); entry !== undefined; entry = stack.pop()) {
    const { token, depth } = entry;
    if (depth > NESTING_MAX) return token.offset;
    if (token.type === 'document' && token.value)
      stack.push({ token: token.value, depth: depth + 1 });
    if (!('items' in token)) continue;
    for (const item of token.items) {
      if ('key' in item && item.key) stack.push({ token: item.key, depth: depth + 1 });
      if (item.value) stack.push({ token: item.value, depth: depth + 1 });
    }
  }
  return undefined;
}

function isEmptyScalar(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

/** One document from yaml's nodes to plain data, with the line of each field noted on the way. */
class Conversion {
  readonly #file: string;
  readonly #document: Document.Parsed;
  readonly #lineOf: (offset: number) => number;
  readonly #problems: Problem[];
  readonly #lines = new Map<string, number>();
  readonly #fields = new Map<string, readonly string[]>();
  readonly #placeholders: Placeholder[] = [];
  readonly #start: number;
  #nodes = 0;
  #aliases = 0;

  constructor(
    file: string,
    document: Document.Parsed,
    lineOf: (offset: number) => number,
    problems: Problem[],
  ) {
    this.#file = file;
    this.#document = document;
    this.#lineOf = lineOf;
    this.#problems = problems;
    this.#start = document.contents?.range[0] ?? document.range[0];
  }

  run(): SourceDocument {
    const value = this.#plain(this.#document.contents, []);
    const lines = this.#lines;
    const first = this.#lineOf(this.#start);
    return {
      file: this.#file,
      value,
      placeholders: this.#placeholders,
      written: (path) => this.#fields.get(formatPath(path)) ?? [],
      lineAt: (path) => {
        for (let length = path.length; length > 0; length -= 1) {
          const line = lines.get(formatPath(path.slice(0, length)));
          if (line !== undefined) return line;
        }
        return first;
      },
    };
  }

  #plain(node: unknown, path: Path): unknown {
    this.#nodes += 1;
    if (this.#nodes > NODES_MAX) throw new LimitError(this.#start, `more than ${NODES_MAX} values`);
    if (path.length > NESTING_MAX) {
      throw new LimitError(this.#start, `more than ${NESTING_MAX} levels`);
    }
    if (isAlias(node)) return this.#plain(this.#target(node, path), path);
    if (isMap(node)) return this.#mapping(node.items, path);
    if (isSeq(node)) return node.items.map((item, index) => this.#item(item, [...path, index]));
    if (!isScalar(node)) return undefined;
    if (typeof node.value === 'string') {
      for (const text of placeholdersIn(node.value)) this.#placeholders.push({ path, text });
    }
    return node.value;
  }

  #target(alias: Alias, path: Path): Node | undefined {
    this.#aliases += 1;
    if (this.#aliases > ALIASES_MAX) {
      throw new LimitError(offsetOf(alias) ?? this.#start, `more than ${ALIASES_MAX} aliases`);
    }
    const target = alias.resolve(this.#document);
    if (target === undefined) this.#report(path, alias, yamlFault('BAD_ALIAS'));
    return target;
  }

  #item(node: unknown, path: Path): unknown {
    this.#note(path, node);
    return this.#plain(node, path);
  }

  #mapping(items: readonly { key: unknown; value: unknown }[], path: Path): object {
    // Without a prototype a field named __proto__ is a field like any other.
    const result: Record<string, unknown> = Object.create(null);
    const seen = new Set<string>();
    for (const { key, value } of items) {
      const name = String(isScalar(key) ? key.value : key);
      const field = [...path, name];
      if (seen.has(name)) {
        const first = this.#lines.get(formatPath(field));
        const message = `is written twice; the first is on line ${first}`;
        this.#report(field, key, { message, hint: 'keep one of the two' });
        continue;
      }
      seen.add(name);
      this.#note(field, key);
      for (const text of placeholdersIn(name)) this.#placeholders.push({ path: field, text });
      const plain = this.#plain(value, field);
      if (plain !== null && plain !== undefined) result[name] = plain;
    }
    this.#fields.set(formatPath(path), Object.keys(result));
    return result;
  }

  #note(path: Path, node: unknown): void {
    const offset = offsetOf(node);
    if (offset !== undefined) this.#lines.set(formatPath(path), this.#lineOf(offset));
  }

  #report(path: Path, node: unknown, fault: Fault): void {
    const line = this.#lineOf(offsetOf(node) ?? this.#start);
    const text = formatPath(path);
    this.#problems.push({ ...fileProblem(this.#file, line, fault), path: text });
  }
}

function offsetOf(node: unknown): number | undefined {
  const range = (node as { range?: Range | null } | null)?.range;
  return range?.[0];
}
