import { Command } from 'commander';
import t from 'tap';
import { refuseScaleFlags, registerBench } from '../../src/cli/bench-options.js';

t.test('what is for the scale bench only is refused for others', async (t) => {
  refuseScaleFlags({});
  refuseScaleFlags({ quick: false });
  const refused = { name: 'UsageError', message: /^--quick is for --preset scale only/ };
  t.throws(() => refuseScaleFlags({ quick: true }), refused);
  t.throws(() => refuseScaleFlags({ dimension: ['routes'] }), { message: /^--dimension is for/ });
});

t.test('dimensions are names, one or several', async (t) => {
  const program = new Command();
  registerBench(program);
  const command = program.commands[0] as Command;
  command
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
    .action(() => undefined);
  command.parse(['--dimension', 'routes', 'topics', '--quick'], { from: 'user' });
  t.match(command.opts(), { dimension: ['routes', 'topics'], quick: true });
  t.throws(() => command.parse(['--dimension=depth'], { from: 'user' }), /shards, payload, topics/);
});

t.test('a page of a scale bench is refused before anything runs, with what to do', async (t) => {
  const program = new Command().exitOverride();
  registerBench(program);
  t.capture(console, 'error', () => undefined);
  const args = ['bench', '--preset', 'scale', '--html', 'page.html'];
  await t.rejects(program.parseAsync(args, { from: 'user' }), {
    name: 'UsageError',
    message: /^--html is of a single bench.*run one case with it/,
  });
});
