import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import t from 'tap';
import { createProgram } from '../../src/cli/args.js';
import { cliReference } from '../../src/cli/reference.js';

t.test('the reference that is checked in is the one that the commands give', async (t) => {
  const page = new URL('../../../docs/reference/cli.md', import.meta.url);
  t.equal(
    readFileSync(page, 'utf8'),
    cliReference(createProgram()),
    'run: node dist/src/cli/write-reference.js',
  );
});

t.test('a command is shown with arguments, options, defaults and choices', async (t) => {
  const program = new Command('millrace');
  const group = program.command('group').description('holds others');
  group
    .command('act <id> [more...]')
    .description('do something')
    .requiredOption('--needed <x>', 'a | b')
    .option('--count <n>', 'how many', Number, 3)
    .option('--list <x...>', 'several', [])
    .option('--json', 'for programs', false)
    .addOption(new Option('--acks <level>', 'which').choices(['one', 'all']).default('one'))
    .addOption(new Option('--secret').hideHelp());
  const text = cliReference(program);
  t.notMatch(text, '## group\n', 'a group does nothing by itself');
  t.match(
    text,
    '\n## group act\n\nDo something\n\n```\nmillrace group act <id> [more...] [options]\n',
  );
  const rows = text.split('\n').filter((line) => line.startsWith('| `-'));
  t.same(rows, [
    '| `--needed <x>` | yes |  | A \\| b |',
    '| `--count <n>` | no | `3` | How many |',
    '| `--list <x...>` | no |  | Several |',
    '| `--json` | no |  | For programs |',
    '| `--acks <level>` | no | `one` | Which: `one`, `all` |',
  ]);
});
