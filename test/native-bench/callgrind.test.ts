import t from 'tap';
import {
  instructionsEach,
  type Part,
  readPart,
  roundsOf,
} from '../../native-bench/count/callgrind.js';

/** The first lines of a dump of callgrind 3.19, and its last. */
const DUMP = `# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 8395
cmd:  node --predictable run-part.js receive
part: 4
thread: 1


desc: I1 cache:
desc: Timerange: Basic block 118112217 - 118229263
desc: Trigger: --dump-before=getpriority

positions: line
events: Ir
summary: 481426


ob=(3) /usr/bin/node
fl=(58) ???
fn=(3094) 0x0000000006cd2a80
0 1200

totals: 481426
`;

/** What the program makes: parts of its own thread, which the marks cut. */
function cut(...instructions: number[]): Part[] {
  return instructions.map((count, n) => ({ part: n + 1, thread: 1, instructions: count }));
}

t.test('a dump says which part of which thread it is, and its instructions', async (t) => {
  t.same(readPart(DUMP), { part: 4, thread: 1, instructions: 481_426 });
});

t.test('the file that only sums up is no part', async (t) => {
  t.equal(readPart('# callgrind format\nversion: 1\nsummary: 1\ntotals: 1\n'), undefined);
});

t.test('a round is what lies between two marks, without what the marks cost', async (t) => {
  t.same(roundsOf(cut(5e8, 900, 50, 10_900, 70, 11_100, 3e7)), [10_000, 10_200]);
});

t.test('parts are put in order, and those of other threads left out', async (t) => {
  const others = cut(5e8, 77, 77, 77, 77, 77, 77).map((part) => ({ ...part, thread: 2 }));
  const own = cut(5e8, 900, 50, 10_900, 70, 11_100, 3e7).reverse();
  t.same(roundsOf([...others, ...own]), [10_000, 10_200]);
});

t.test('a program that makes no marks, or an odd number of them, has no rounds', async (t) => {
  t.throws(() => roundsOf([]), /no rounds/);
  t.throws(() => roundsOf(cut(5e8)), /no rounds/);
  t.throws(() => roundsOf(cut(5e8, 900, 3e7)), /no rounds/);
  t.throws(() => roundsOf(cut(5e8, 900, 50, 10_900, 70, 3e7)), /no rounds/);
});

t.test('each round is divided by its own operations', async (t) => {
  t.same(instructionsEach([1_000, 4_000], '100 200\n'), [10, 20]);
  t.throws(() => instructionsEach([1_000, 4_000], '100\n'), /2 rounds were counted/);
  t.throws(() => instructionsEach([1_000], ''), /1 rounds were counted/);
});
