import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const pages = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];
const textOf = (page: string) => readFileSync(join(root, page), 'utf8');

t.test('every place `file:function` in a page exists', async (t) => {
  for (const page of pages) {
    for (const [place, file, name] of textOf(page).matchAll(/`([\w/-]+\.(?:ts|cc|h)):(#?\w+)`/g)) {
      const path = join(root, 'src', file as string);
      const found = existsSync(path) && readFileSync(path, 'utf8').includes(name as string);
      t.ok(found, `${page}: ${place}`);
    }
  }
});

t.test('every source file that a page names exists', async (t) => {
  for (const page of pages) {
    for (const [place, file] of textOf(page).matchAll(
      /`((?:[\w-]+\/)+[\w-]+\.(?:ts|mjs|cc|h))`/g,
    )) {
      const known = ['', 'src', 'test'].some((folder) =>
        existsSync(join(root, folder, file as string)),
      );
      t.ok(known, `${page}: ${place}`);
    }
  }
});

t.test('every link from page to page leads somewhere', async (t) => {
  for (const page of pages) {
    for (const [link, target] of textOf(page).matchAll(/\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      t.ok(existsSync(join(root, dirname(page), target as string)), `${page}: ${link}`);
    }
  }
});

t.test('the file map of the architecture has every folder of src, and no other', async (t) => {
  const text = textOf('docs/architecture.md');
  const map = text.slice(text.indexOf('## File map'), text.indexOf('Imports point one way'));
  const named = [...map.matchAll(/`([\w-]+)\/`/g)].map((match) => match[1]).sort();
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);
  t.same(named, folders.sort());
});

t.test('every decision is numbered in turn and listed', async (t) => {
  const files = readdirSync(join(root, 'docs/decisions')).filter((name) => /^\d/.test(name));
  t.same(
    files.map((name) => Number(name.slice(0, 3))),
    files.map((_, index) => index + 1),
  );
  const list = textOf('docs/decisions/README.md');
  for (const file of files) t.ok(list.includes(`(${file})`), file);
});
