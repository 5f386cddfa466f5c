import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import ts from 'typescript';

/* What the style of the project asks for and no compiler sees: which way imports point, how long files
 * and functions are, and words that have no place. */

const FILE_LINES_MAX = 600;
const FUNCTION_LINES_MAX = 70;

// The compiled file lies at dist/test.
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/**
 * What each folder of src/ may import, downwards only; siblings never. `model` is config/model.ts and
 * config/limits.ts, which is all of config/ that the data path may know.
 */
const FOUNDATION = ['base', 'model'];
const SHARED = [...FOUNDATION, 'channel', 'ring', 'metrics'];
const PARTS = ['mqtt', 'route', 'delivery', 'shard', 'dead-letter'];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  model: ['base'],
  // Values of secrets, for those who load them and those who connect: no part of the model.
  secrets: FOUNDATION,
  config: [...FOUNDATION, 'secrets'],
  // Access tokens; who connects is handed them.
  identity: [...FOUNDATION, 'secrets'],
  channel: [...FOUNDATION, 'secrets'],
  ring: FOUNDATION,
  metrics: FOUNDATION,
  mqtt: [...SHARED, 'secrets'],
  route: SHARED,
  delivery: SHARED,
  shard: SHARED,
  'dead-letter': SHARED,
  flow: [...SHARED, ...PARTS],
  engine: [...SHARED, ...PARTS, 'flow', 'secrets', 'identity'],
  kafka: [...SHARED, 'secrets'],
  worker: [...SHARED, 'kafka'],
  explain: [...SHARED, ...PARTS, 'flow', 'engine'],
  // Makes connections itself; what the shards and their threads do stays with them.
  doctor: [...SHARED, 'mqtt', 'route', 'secrets'],
  // kafka, channel: what a bench has sent it reads back through the addon.
  bench: [...FOUNDATION, 'channel', 'kafka'],
  // kafka: the mock cluster of the addon is the demo's Kafka.
  demo: [...FOUNDATION, 'kafka', 'config', 'engine'],
  // kafka: `dead-letters replay` is a small producer of its own.
  cli: [
    ...[...SHARED, ...PARTS, 'kafka', 'config', 'engine', 'explain', 'doctor', 'bench'],
    ...['demo', 'secrets', 'identity'],
  ],
  main: ['base', 'cli'],
};

/** Files that nothing imports: a process or a thread begins with them, or only docs/ is made of them. */
const ENTRIES = /(\/|-)main\.ts$|\/write-[a-z-]+\.ts$|^src\/metrics\/reference\.ts$/;

interface Source {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

function filesUnder(folder: string, pattern: RegExp): Source[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path: relative(root, path), text: readFileSync(path, 'utf8') }));
}

const sources = filesUnder('src', /\.ts$/);
const tests = filesUnder('test', /\.ts$/);

function parse({ path, text }: Source): ts.SourceFile {
  return ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
}

interface Imports {
  /** Files of the project that it names in an import, an export or a call of `import()`. */
  readonly all: string[];
  /** Those of which it takes more than types. */
  readonly atRunTime: string[];
  /** Those of them that are loaded whenever it is: not by a call of `import()`. */
  readonly atOnce: string[];
}

function importsOf(source: Source): Imports {
  const found: Imports = { all: [], atRunTime: [], atOnce: [] };
  const add = (specifier: ts.Node | undefined, loads: 'nothing' | 'later' | 'at once') => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    if (!specifier.text.startsWith('.')) return;
    const target = join(dirname(source.path), specifier.text).replace(/\.js$/, '.ts');
    found.all.push(target);
    if (loads !== 'nothing') found.atRunTime.push(target);
    if (loads === 'at once') found.atOnce.push(target);
  };
  const visit = (node: ts.Node) => {
    if (ts.isImportDeclaration(node))
      add(node.moduleSpecifier, takesTypesOnly(node) ? 'nothing' : 'at once');
    else if (ts.isExportDeclaration(node))
      add(node.moduleSpecifier, node.isTypeOnly ? 'nothing' : 'at once');
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], 'later');
    ts.forEachChild(node, visit);
  };
  visit(parse(source));
  return found;
}

function takesTypesOnly({ importClause }: ts.ImportDeclaration): boolean {
  if (importClause === undefined) return false;
  const { namedBindings } = importClause;
  if (importClause.isTypeOnly) return true;
  if (namedBindings === undefined || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.every((element) => element.isTypeOnly);
}

const imports = new Map(sources.map((source) => [source.path, importsOf(source)]));

function areaOf(path: string): string {
  if (path === 'src/main.ts') return 'main';
  if (path === 'src/config/model.ts' || path === 'src/config/limits.ts') return 'model';
  return path.split('/')[1] as string;
}

t.test('imports point one way', async (t) => {
  const wrong: string[] = [];
  for (const [path, { all }] of imports) {
    const from = areaOf(path);
    const allowed = MAY_IMPORT[from];
    if (allowed === undefined) wrong.push(`${path}: which way may src/${from}/ import?`);
    for (const target of all) {
      const to = areaOf(target);
      if (to !== from && allowed?.includes(to) === false) wrong.push(`${path} imports ${target}`);
    }
  }
  t.strictSame(wrong, []);
});

t.test('what a test checks is there to be checked', async (t) => {
  t.ok(sources.length > 100);
  t.ok([...imports.values()].flatMap(({ all }) => all).length > 200);
  for (const area of Object.keys(MAY_IMPORT)) {
    t.ok(
      sources.some(({ path }) => areaOf(path) === area),
      `src/${area} exists`,
    );
  }
});

t.test('no file needs itself to load, by whatever way', async (t) => {
  const done = new Set<string>();
  const cycles: string[] = [];
  const walk = (path: string, way: readonly string[]) => {
    if (way.includes(path)) {
      cycles.push([...way.slice(way.indexOf(path)), path].join(' -> '));
      return;
    }
    if (done.has(path)) return;
    for (const target of imports.get(path)?.atRunTime ?? []) walk(target, [...way, path]);
    done.add(path);
  };
  for (const path of imports.keys()) walk(path, []);
  t.strictSame(cycles, []);
});

/** All files that `path` loads, itself among them, and that those load. */
function reachedFrom(path: string, which: 'atRunTime' | 'atOnce'): ReadonlySet<string> {
  const reached = new Set([path]);
  for (const each of reached) {
    for (const target of imports.get(each)?.[which] ?? []) reached.add(target);
  }
  return reached;
}

t.test('a bridge at work has not loaded what only its configuration needed', async (t) => {
  const reached = reachedFrom('src/cli/run.ts', 'atRunTime');
  t.ok(reached.has('src/engine/engine.ts'));
  t.notOk(reached.has('src/config/schema.ts'), 'the schemas and their compiler');
  t.notOk(reached.has('src/config/document.ts'), 'the parser');
});

t.test('only a bridge with a managed identity loads what asks for tokens', async (t) => {
  t.ok(reachedFrom('src/engine/engine.ts', 'atRunTime').has('src/identity/token-source.ts'));
  t.notOk(reachedFrom('src/engine/engine.ts', 'atOnce').has('src/identity/token-source.ts'));
});

/** Libraries that take megabytes, which one file loads when a connector wants them and no other does. */
const LOADED_LATE = {
  ws: 'src/mqtt/dial/websocket.ts',
  '@azure/msal-node': 'src/identity/msal.ts',
};

function isLoad(node: ts.Node): node is ts.CallExpression {
  if (!ts.isCallExpression(node)) return false;
  const { kind } = node.expression;
  return kind === ts.SyntaxKind.ImportKeyword || node.expression.getText() === 'require';
}

/** Where `source` loads a package: as itself is loaded, or by a call inside a function. */
function loadsOf(source: Source, name: string): ('at once' | 'later')[] {
  const found: ('at once' | 'later')[] = [];
  const isName = (node: ts.Node | undefined) =>
    node !== undefined && ts.isStringLiteralLike(node) && node.text === name;
  const visit = (node: ts.Node, isInFunction: boolean) => {
    const isImport = ts.isImportDeclaration(node) && !takesTypesOnly(node);
    if (isImport && isName(node.moduleSpecifier)) found.push('at once');
    if (ts.isExportDeclaration(node) && isName(node.moduleSpecifier)) found.push('at once');
    if (isLoad(node) && isName(node.arguments[0])) found.push(isInFunction ? 'later' : 'at once');
    const isWithin = isInFunction || ts.isFunctionLike(node);
    ts.forEachChild(node, (child) => visit(child, isWithin));
  };
  visit(parse(source), false);
  return found;
}

t.test('a library that few connectors need is loaded when one does', async (t) => {
  for (const [name, path] of Object.entries(LOADED_LATE)) {
    const loads = sources.flatMap((source) =>
      loadsOf(source, name).map((when) => `${source.path}: ${when}`),
    );
    t.strictSame(loads, [`${path}: later`]);
  }
});

t.test('what is loaded at once is told from what is loaded later', async (t) => {
  const loads = (text: string) => loadsOf({ path: 'x.ts', text }, 'a').join();
  t.equal(loads("import type { A } from 'a';\nimport { type B } from 'a';"), '');
  t.equal(loads("import { a } from 'a';\nexport { b } from 'a';"), 'at once,at once');
  t.equal(loads("const a = require('a');"), 'at once');
  t.equal(loads("function f() { return require('a') as typeof import('a'); }"), 'later');
  t.equal(loads("const f = () => import('a');"), 'later');
  t.equal(loads("f('a');"), '');
});

t.test('the work of a command is loaded only when that command is asked for', async (t) => {
  const reached = [...reachedFrom('src/main.ts', 'atOnce')];
  t.ok(reached.includes('src/cli/bench-options.ts'));
  const work = /^src\/(bench\/(bench|round)\.ts|explain\/|doctor\/|dead-letter\/|engine\/|demo\/)/;
  t.strictSame(
    reached.filter((path) => work.test(path)),
    [],
  );
});

t.test('every import is of a file that exists', async (t) => {
  const missing = [...imports].flatMap(([path, { all }]) =>
    all.filter((target) => !imports.has(target)).map((target) => `${path}: ${target}`),
  );
  t.strictSame(missing, []);
});

t.test('every file is imported, or a process begins with it', async (t) => {
  const imported = new Set([...imports.values()].flatMap(({ all }) => all));
  const dead = sources
    .map(({ path }) => path)
    .filter((path) => !imported.has(path) && !ENTRIES.test(path));
  t.strictSame(dead, []);
});

t.test(`a file has at most ${FILE_LINES_MAX} lines`, async (t) => {
  const long = [...sources, ...tests, ...filesUnder('src/native', /\.(cc|h)$/)]
    .map(({ path, text }) => ({ path, lines: text.split('\n').length - 1 }))
    .filter(({ lines }) => lines > FILE_LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines}`);
  t.strictSame(long, []);
});

/** Lines that a function has because a text in it has several: those are data, not steps. */
function textLines(node: ts.Node): number {
  let lines = 0;
  const visit = (child: ts.Node) => {
    if (ts.isNoSubstitutionTemplateLiteral(child) || ts.isTemplateExpression(child))
      lines += child.getText().split('\n').length - 1;
    else ts.forEachChild(child, visit);
  };
  visit(node);
  return lines;
}

/** Functions, methods and closures with too many lines, as `path:line name`. */
function longFunctions(source: Source): string[] {
  const file = parse(source);
  const found: string[] = [];
  const visit = (node: ts.Node) => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) {
      const first = file.getLineAndCharacterOfPosition(node.getStart(file)).line;
      const last = file.getLineAndCharacterOfPosition(node.getEnd()).line;
      const lines = last - first + 1 - textLines(node);
      const name = node.name?.getText(file) ?? 'a closure';
      if (lines > FUNCTION_LINES_MAX)
        found.push(`${source.path}:${first + 1} ${name}: ${lines} lines`);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

t.test(`a function has at most ${FUNCTION_LINES_MAX} lines`, async (t) => {
  t.strictSame([...sources, ...tests].flatMap(longFunctions), []);
});

t.test('the length of a function is measured from its first line to its last', async (t) => {
  const body = (lines: number) => `{\n${'  f();\n'.repeat(lines - 2)}}`;
  const measure = (text: string) => longFunctions({ path: 'x.ts', text }).length;
  t.equal(measure(`function f() ${body(FUNCTION_LINES_MAX)}`), 0);
  t.equal(measure(`function f() ${body(FUNCTION_LINES_MAX + 1)}`), 1);
  t.equal(measure(`const f = () => ${body(FUNCTION_LINES_MAX + 1)};`), 1);
  t.equal(measure(`function f() { return \`${'text\n'.repeat(200)}\`; }`), 0);
  t.equal(measure(`class C { #m() ${body(FUNCTION_LINES_MAX + 1)} }`), 1);
});

t.test('only commands and what they show write to the console', async (t) => {
  const allowed = ['cli', 'demo', 'bench'];
  const wrong = sources
    .filter(({ path }) => !allowed.includes(areaOf(path)) && !ENTRIES.test(path))
    .filter(({ text }) => /\bconsole\./.test(text))
    .map(({ path }) => path);
  t.strictSame(wrong, []);
});

t.test('no barrels, no bags of helpers, no unfinished business', async (t) => {
  const names = /(^|\/)(index|utils?|helpers?|misc)\.ts$/;
  const named = [...sources, ...tests].filter(({ path }) => names.test(path));
  t.strictSame(
    named.map(({ path }) => path),
    [],
  );
  const unfinished = new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`);
  const left = [...sources, ...tests].filter(({ text }) => unfinished.test(text));
  t.strictSame(
    left.map(({ path }) => path),
    [],
  );
});

t.test('no file names a place on the machine where it was written', async (t) => {
  const places = new RegExp(`(?<![\\w.-])/(${['work', 'home', 'root', 'Users'].join('|')})/[a-z]`);
  const folders = ['src', 'test', 'docs', 'native-bench', 'scripts', 'examples'];
  const text = /\.(ts|mjs|md|json|ya?ml|cc|h|c|sh|properties|xml)$/;
  const wrong = folders
    .flatMap((folder) => filesUnder(folder, text))
    .filter((source) => places.test(source.text))
    .map(({ path, text }) => `${path}: ${places.exec(text)?.[0]}`);
  t.strictSame(wrong, []);
});
