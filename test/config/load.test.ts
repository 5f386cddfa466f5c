import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { FILE_BYTES_MAX, loadDocuments } from '../../src/config/load.js';

async function* stream(...chunks: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* chunks;
}

function summary({ documents, problems }: Awaited<ReturnType<typeof loadDocuments>>) {
  return {
    values: documents.map(({ file, value }) => [file, JSON.parse(JSON.stringify(value))]),
    problems: problems.map(({ file, line, message }) => [file, line, message]),
  };
}

t.test('a folder gives its resource files by name, without what is hidden', async (t) => {
  const folder = t.testdir({
    'b.yml': 'b: 1',
    'a.yaml': 'a: 1\n---\na: 2',
    'c.json': '{"c": 1}',
    'notes.txt': 'not: read',
    '.hidden.yaml': 'not: read',
    '.git': { 'x.yaml': 'not: read' },
    sub: { 'd.yaml': 'd: 1' },
  });
  t.same(summary(await loadDocuments([folder], undefined)), {
    values: [
      [join(folder, 'a.yaml'), { a: 1 }],
      [join(folder, 'a.yaml'), { a: 2 }],
      [join(folder, 'b.yml'), { b: 1 }],
      [join(folder, 'c.json'), { c: 1 }],
      [join(folder, 'sub/d.yaml'), { d: 1 }],
    ],
    problems: [],
  });
});

t.test('a mounted config map is read through its symbolic links, once', async (t) => {
  const folder = t.testdir({ '..2024': { 'a.yaml': 'a: 1' } });
  symlinkSync('..2024', join(folder, '..data'));
  symlinkSync('..data/a.yaml', join(folder, 'a.yaml'));
  t.same(summary(await loadDocuments([folder], undefined)).values, [
    [join(folder, 'a.yaml'), { a: 1 }],
  ]);
});

t.test('circles of symbolic links end', async (t) => {
  const folder = t.testdir({ 'z.yaml': 'z: 1' });
  for (const name of ['a', 'b', 'c']) symlinkSync('.', join(folder, name));
  t.same(summary(await loadDocuments([folder, folder], undefined)), {
    values: [[join(folder, 'z.yaml'), { z: 1 }]],
    problems: [],
  });
});

t.test('a symbolic link that leads nowhere is reported by itself', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'a: 1' });
  symlinkSync('gone', join(folder, 'b.yaml'));
  t.same(summary(await loadDocuments([folder], undefined)), {
    values: [[join(folder, 'a.yaml'), { a: 1 }]],
    problems: [[join(folder, 'b.yaml'), 0, 'does not exist']],
  });
});

t.test('the number of folders is bounded', async (t) => {
  const folders = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`${i}`, {}]));
  const folder = t.testdir(folders);
  t.same(summary(await loadDocuments([folder], undefined)).problems, [
    [folder, 0, 'brings more than 1000 folders'],
  ]);
});

t.test('a file that is named twice is read once, whatever its name ends with', async (t) => {
  const folder = t.testdir({ config: 'a: 1' });
  const file = join(folder, 'config');
  t.same(summary(await loadDocuments([file, `${folder}/./config`], undefined)), {
    values: [[file, { a: 1 }]],
    problems: [],
  });
});

t.test('- is standard input, in its place among the files', async (t) => {
  const folder = t.testdir({ 'a.yaml': 'a: 1', 'b.yaml': 'b: 1' });
  const [a, b] = [join(folder, 'a.yaml'), join(folder, 'b.yaml')];
  const euro = Buffer.from('c: €\n');
  const input = stream(euro.subarray(0, 4), euro.subarray(4), '---\nd: 1');
  t.same(summary(await loadDocuments([a, '-', b], input)).values, [
    [a, { a: 1 }],
    ['-', { c: '€' }],
    ['-', { d: 1 }],
    [b, { b: 1 }],
  ]);
});

t.test('what cannot be read is reported, and the rest is read', async (t) => {
  const folder = t.testdir({
    empty: {},
    'latin1.yaml': Buffer.from([0x61, 0xe9]),
    'a.yaml': 'a: 1',
  });
  const path = (name: string) => join(folder, name);
  const names = ['missing', 'empty', 'latin1.yaml', 'a.yaml'].map(path);
  t.same(summary(await loadDocuments(names, undefined)), {
    values: [[path('a.yaml'), { a: 1 }]],
    problems: [
      [path('missing'), 0, 'does not exist'],
      [path('empty'), 0, 'has no *.yaml, *.yml or *.json file in it'],
      [path('latin1.yaml'), 0, 'is not valid UTF-8'],
    ],
  });
});

t.test('a file or an input larger than the bound is not read', async (t) => {
  const message = 'is larger than 4 MiB and was not read';
  const folder = t.testdir({
    'full.yaml': `a: 1\n#${'x'.repeat(FILE_BYTES_MAX - 6)}`,
    'over.yaml': `a: 1\n#${'x'.repeat(FILE_BYTES_MAX - 5)}`,
  });
  const found = summary(await loadDocuments([folder], undefined));
  t.same(found.values, [[join(folder, 'full.yaml'), { a: 1 }]]);
  t.same(found.problems, [[join(folder, 'over.yaml'), 0, message]]);
  const endless = (async function* () {
    for (;;) yield Buffer.alloc(1024 * 1024, 0x20);
  })();
  t.same(summary(await loadDocuments(['-'], endless)).problems, [['-', 0, message]]);
});

t.test('the number of files is bounded', async (t) => {
  const files = Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`${i}.yaml`, 'a: 1']));
  const folder = t.testdir(files);
  const { values, problems } = summary(await loadDocuments([folder], undefined));
  t.equal(values.length, 1_000);
  t.same(problems, [[folder, 0, 'brings more than 1000 files']]);
});
