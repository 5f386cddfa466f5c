import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';

const root = fileURLToPath(new URL('../../../', import.meta.url));

function codesInSource(): Set<string> {
  const found = new Set<string>();
  const folder = join(root, 'src');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.ts')) continue;
    const text = readFileSync(join(folder, name), 'utf8');
    for (const match of text.matchAll(/(?:OperatingError|super)\(\s*'(ERR_[A-Z0-9_]+)'/g)) {
      found.add(match[1] as string);
    }
  }
  return found;
}

t.test('docs/reference/errors.md has every code of the source and no other', async (t) => {
  const page = readFileSync(join(root, 'docs/reference/errors.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `(ERR_[A-Z0-9_]+)` \|/gm)].map((match) => match[1]);
  t.same([...documented].sort(), [...codesInSource()].sort());
});
