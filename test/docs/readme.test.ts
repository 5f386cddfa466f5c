import { readFileSync } from 'node:fs';
import t from 'tap';
import { createProgram } from '../../src/cli/args.js';
import { check } from '../config/documents.js';

const text = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');

t.test('the configuration in the README is right', async (t) => {
  const yaml = /```yaml\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  const { model, problems } = check(yaml);
  t.same(problems, []);
  t.equal(model?.connectors[0]?.topicMaps[0]?.routes[0]?.name, 'plants');
});

t.test('the README names every command, and no other', async (t) => {
  const section = text.slice(text.indexOf('## Commands'), text.indexOf('## Where to read'));
  const named = [...section.matchAll(/^\| `([\w-]+)/gm)].map((match) => match[1]).sort();
  t.same(
    named,
    createProgram()
      .commands.map((command) => command.name())
      .sort(),
  );
});
