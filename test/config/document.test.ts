import t from 'tap';
import { parseDocuments } from '../../src/config/document.js';
import { FILE } from './documents.js';

/** Line, path and message of each problem. */
function problemsOf(text: string): readonly (readonly [number, string, string])[] {
  return parseDocuments(FILE, text).problems.map(
    ({ line, path, message }) => [line, path, message] as const,
  );
}

function valuesOf(text: string): unknown {
  return JSON.parse(JSON.stringify(parseDocuments(FILE, text).documents.map(({ value }) => value)));
}

const REST = 'the rest of the file is not read';

t.test('every field knows the line that it was written on', async (t) => {
  const text = '# first\na: 1\nb:\n  - x\n  - y: 1\n    z: 2\nc: {d: 1,\n  e: 2}\n';
  const [document] = parseDocuments(FILE, text).documents;
  t.equal(document?.lineAt([]), 2);
  t.equal(document?.lineAt(['a']), 2);
  t.equal(document?.lineAt(['b', 0]), 4);
  t.equal(document?.lineAt(['b', 1, 'z']), 6);
  t.equal(document?.lineAt(['c', 'e']), 8);
});

t.test('a field that was not written is on the line of what is around it', async (t) => {
  const [document] = parseDocuments(FILE, 'a: 1\nb:\n  c: 1\n').documents;
  t.equal(document?.lineAt(['b', 'missing', 'deeper']), 2);
  t.equal(document?.lineAt(['missing']), 1);
});

t.test('a file may hold several documents, and empty ones do not count', async (t) => {
  const text = '---\n---\na: 1\n---\n# nothing\n---\nb: 2\n...\n';
  t.same(valuesOf(text), [{ a: 1 }, { b: 2 }]);
  t.same(
    parseDocuments(FILE, text).documents.map((document) => document.lineAt([])),
    [3, 7],
  );
});

t.test('a broken document is reported and the others are kept', async (t) => {
  const { documents, problems } = parseDocuments(FILE, 'a: 1\n---\nb: @x\n---\nc: 3\n');
  t.same(
    documents.map((document) => document.lineAt([])),
    [1, 5],
  );
  t.strictSame(problems, [
    {
      severity: 'error',
      file: FILE,
      line: 3,
      resource: '',
      path: '',
      message: 'a value starts with a character that YAML reserves',
      hint: 'put the value in quotes',
    },
  ]);
});

t.test('JSON is read, with tabs too', async (t) => {
  t.same(valuesOf('{\n\t"a": 1,\n\t"b": [\n\t\t2\n\t]\n}'), [{ a: 1, b: [2] }]);
});

t.test('a byte order mark and Windows line ends change nothing', async (t) => {
  const [document] = parseDocuments(FILE, '\ufeffa: 1\r\nb: 2\r\n').documents;
  t.same(JSON.parse(JSON.stringify(document?.value)), { a: 1, b: 2 });
  t.equal(document?.lineAt(['b']), 2);
});

t.test('a field without a value counts as left out', async (t) => {
  t.same(valuesOf('a:\nb: ~\nc: 1\n'), [{ c: 1 }]);
});

t.test('a field written twice is reported where it is repeated', async (t) => {
  t.same(problemsOf('a: 1\nb:\n  c: 1\n  c: 2\n'), [
    [4, 'b.c', 'is written twice; the first is on line 3'],
  ]);
});

t.test('a field named __proto__ is a field like any other', async (t) => {
  const [document] = parseDocuments(FILE, '__proto__: { polluted: true }\n').documents;
  t.same(Object.keys(document?.value as object), ['__proto__']);
  t.equal(({} as { polluted?: boolean }).polluted, undefined);
});

t.test('an alias stands for a copy, so that a change of one leaves the other', async (t) => {
  const [document] = parseDocuments(FILE, 'a: &x { b: 1 }\nc: *x\n').documents;
  const value = document?.value as { a: { b: number }; c: { b: number } };
  value.a.b = 2;
  t.equal(value.c.b, 1);
  t.equal(document?.lineAt(['c', 'b']), 1, 'what is wrong in it is wrong at the anchor');
});

t.test('an alias without an anchor is reported', async (t) => {
  t.same(problemsOf('x: 1\na: *b\n'), [
    [2, 'a', 'an alias (*name) has no anchor (&name) before it'],
  ]);
});

t.test(
  'one message serves what the parser cannot tell apart: depth, brackets and colons',
  async (t) => {
    t.match(problemsOf('x: 1\na: [1, 2\nb: 3\n'), [
      [3, '', /, or a \[ or \{ above is not closed$/],
    ]);
    t.match(problemsOf('a: 1\n  b: 2\n')[0], [1, '', /, or is indented wrongly$/]);
  },
);

for (const [name, text] of [
  ['brackets', '['.repeat(200_000)],
  ['braces', '{a: '.repeat(50_000)],
  ['dashes', '- '.repeat(100_000)],
  ['question marks', '? '.repeat(100_000)],
  ['indentation', Array.from({ length: 500 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')],
  ['an alias to itself', 'a: &a [*a]'],
] as const) {
  t.test(`nesting without end by ${name} is refused and harms nothing`, async (t) => {
    const problems = problemsOf(text);
    t.equal(problems.length, 1);
    t.equal(problems[0]?.[2], `has more than 64 levels; ${REST}`);
  });
}

t.test('64 levels are allowed', async (t) => {
  t.same(problemsOf('['.repeat(64) + ']'.repeat(64)), []);
  t.equal(problemsOf('['.repeat(65) + ']'.repeat(65)).length, 1);
});

t.test('aliases of aliases cannot grow without end', async (t) => {
  const wide = `a: &a [${Array(7_000).fill('x')}]\nb: [${Array(100).fill('*a')}]\n`;
  t.same(problemsOf(wide), [[1, '', `has more than 500000 values; ${REST}`]]);
  const many = `a: &a x\nb: [${Array(101).fill('*a')}]\n`;
  t.same(problemsOf(many), [[2, '', `has more than 100 aliases; ${REST}`]]);
});

t.test('the documents of a file are bounded', async (t) => {
  const { documents, problems } = parseDocuments(FILE, '---\na: 1\n'.repeat(1_001));
  t.equal(documents.length, 1_000);
  t.equal(problems[0]?.message, `has more than 1000 documents; ${REST}`);
});

t.test('no message repeats what a broken file holds: it may be a secret', async (t) => {
  for (const text of [
    'password: "hunter2" hunter2\n',
    'password: @hunter2\n',
    'password: "\\hunter2"\n',
    'password: *hunter2\n',
    'password: !hunter2 x\n',
    'password: hunter2: x\n',
    'password: [hunter2\n',
    'hunter2\npassword: x\n',
    '%hunter2\n---\na: 1\n',
    '? [hunter2]\n: x\n',
  ]) {
    const { problems } = parseDocuments(FILE, text);
    t.ok(problems.length > 0, text);
    t.notMatch(JSON.stringify(problems), /hunter2/);
  }
});
