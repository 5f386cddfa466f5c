import t from 'tap';
import { runLanes } from './fault-lanes.js';
import type { Fault, Lane, Parties } from './faults/fault.js';
import type { PlannedFault } from './schedule.js';

const PARTIES = {} as Parties;

/** A fault that writes down when it begins and ends. */
function noted(name: string, notes: string[], fails?: 'begin' | 'end'): Fault {
  return {
    ...{ name, lane: 'kafka', ms: [0, 0] },
    async begin() {
      if (fails === 'begin') throw new Error(`${name} does not begin`);
      notes.push(`+${name}`);
      return async () => {
        if (fails === 'end') throw new Error(`${name} does not end`);
        notes.push(`-${name}`);
      };
    },
  };
}

function planned(fault: Fault, atMs: number, durationMs: number): PlannedFault {
  return { fault, atMs, durationMs, seed: 1 };
}

function run(lanes: readonly (readonly [Lane, readonly PlannedFault[]])[], runMs: number) {
  return runLanes({ lanes: new Map(lanes), parties: PARTIES, runMs, say: () => {} });
}

t.test('faults of one lane come one after the other, lanes at the same time', async (t) => {
  const notes: string[] = [];
  const happened = await run(
    [
      ['kafka', [planned(noted('a', notes), 0, 80), planned(noted('b', notes), 100, 0)]],
      ['mqtt', [planned(noted('c', notes), 40, 0)]],
    ],
    150,
  );
  t.strictSame(notes, ['+a', '+c', '-c', '-a', '+b', '-b']);
  t.strictSame(happened.map(({ name }) => name).sort(), ['a', 'b', 'c']);
  t.ok(happened.every(({ beganMs, endedMs }) => endedMs >= beganMs));
});

t.test('what is due when the time of the run is over does not come', async (t) => {
  const notes: string[] = [];
  await run(
    [['kafka', [planned(noted('a', notes), 0, 60), planned(noted('b', notes), 30, 0)]]],
    50,
  );
  t.strictSame(notes, ['+a', '-a']);
});

t.test('a fault that fails ends the run, and what the others began ends too', async (t) => {
  for (const fails of ['begin', 'end'] as const) {
    const notes: string[] = [];
    const ended = run(
      [
        ['mqtt', [planned(noted('a', notes), 0, 60_000)]],
        ['kafka', [planned(noted('b', notes, fails), 20, 0)]],
        ['disk', [planned(noted('c', notes), 50_000, 0)]],
      ],
      60_000,
    );
    await t.rejects(ended, { message: `b does not ${fails}` });
    t.match(
      notes.filter((note) => note.endsWith('a')),
      ['+a', '-a'],
    );
    t.notOk(notes.includes('+c'));
  }
});
