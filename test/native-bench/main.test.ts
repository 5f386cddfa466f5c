import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { allRuns, selectKernels } from '../../native-bench/count/kernels.js';
import { nativeKernels } from '../../native-bench/kernels/parts.js';

// The compiled file lies at dist/test/native-bench.
const root = fileURLToPath(new URL('../../../', import.meta.url));
const MAIN = fileURLToPath(new URL('../../native-bench/main.js', import.meta.url));

function run(args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8', env });
}

t.test('wrong usage ends with 2 and says what is wrong', async (t) => {
  for (const [args, why] of [
    [['--no-such'], /unknown option '--no-such'/],
    [['--check', '--update'], /either --check or --update/],
    [['receive/no-such'], /there is no kernel receive\/no-such; there are receive\/publish,/],
    [['--check', 'crossing'], /crossing is run alone/],
    [['lane', '--no-such'], /no-such/],
    [['ring', '--rounds', 'many'], /many/],
  ] as const) {
    const { status, stderr } = run(args);
    t.equal(status, 2, args.join(' '));
    t.match(stderr, why);
    t.notMatch(stderr, /^ {4}at /m);
  }
});

t.test('without valgrind it says which package has it, and ends with 1', async (t) => {
  const { status, stderr } = run(['--check', 'receive'], { PATH: '/nowhere' });
  t.equal(status, 1);
  t.match(stderr, /apt-get install -y valgrind/);
  t.notMatch(stderr, /^ {4}at /m);
});

t.test('the baseline has every kernel and no other', async (t) => {
  const text = readFileSync(`${root}native-bench/baseline.json`, 'utf8');
  const { instructions } = JSON.parse(text) as { instructions: Record<string, number> };
  const names = (await allRuns()).flatMap((each) => each.names);
  t.same(Object.keys(instructions), [...names].sort());
  t.ok(Object.values(instructions).every((count) => count > 0));
});

t.test(
  'kernels have names of their own, and native/kernels.cc those it is asked for',
  async (t) => {
    const names = (await allRuns()).flatMap((each) => each.names);
    t.equal(new Set(names).size, names.length);
    const source = readFileSync(`${root}native-bench/kernels/native/kernels.cc`, 'utf8');
    const known = [...source.matchAll(/\{"(native\/[\w-]+)"/g)].map((match) => match[1]);
    t.same(known.sort(), [...nativeKernels].sort());
  },
);

t.test('a name selects one kernel, and the name of a part all of it', async (t) => {
  const all = ['receive/publish', 'receive/puback', 'to-kafka/frame', 'to-kafka/frame-ring'];
  t.same([...selectKernels(all, [])], all);
  t.same([...selectKernels(all, ['to-kafka/frame'])], ['to-kafka/frame']);
  t.same([...selectKernels(all, ['receive'])], ['receive/publish', 'receive/puback']);
  t.throws(() => selectKernels(all, ['rec']), /there is no kernel rec/);
});

t.test('every kernel of JavaScript runs, again and again', async (t) => {
  const { parts } = await import('../../native-bench/kernels/parts.js');
  for (const [part, load] of parts) {
    for (const { name, operations, open } of await load()) {
      t.ok(name.startsWith(`${part}/`));
      t.ok(operations > 0);
      const workload = open();
      for (let call = 0; call < 20; call++) workload();
    }
  }
});
