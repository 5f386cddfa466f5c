import t from 'tap';
import { ALL_FAULTS, chooseFaults } from './faults/all.js';
import { planFaults } from './schedule.js';

const MINUTES = 60_000;

t.test('a seed decides everything, and another decides otherwise', async (t) => {
  const plan = (seed: number) => JSON.stringify([...planFaults(ALL_FAULTS, seed, 5 * MINUTES)]);
  t.equal(plan(7), plan(7));
  t.not(plan(7), plan(8));
});

t.test('faults of one lane never overlap, and lie within the run', async (t) => {
  for (let seed = 0; seed < 50; seed++) {
    for (const [lane, planned] of planFaults(ALL_FAULTS, seed, 10 * MINUTES)) {
      let freeMs = 0;
      for (const { fault, atMs, durationMs } of planned) {
        if (atMs <= freeMs || fault.lane !== lane || atMs >= 10 * MINUTES)
          t.fail(
            `seed ${seed}: ${fault.name} at ${atMs}, where ${freeMs} is the first free moment`,
          );
        freeMs = atMs + durationMs;
      }
    }
  }
  t.pass('for 50 seeds');
});

t.test('each fault comes once before any of its lane comes again', async (t) => {
  for (const [lane, planned] of planFaults(ALL_FAULTS, 3, 30 * MINUTES)) {
    const names = ALL_FAULTS.filter((fault) => fault.lane === lane).map(({ name }) => name);
    const first = planned.slice(0, names.length).map(({ fault }) => fault.name);
    t.strictSame([...first].sort(), [...names].sort());
  }
});

t.test('faults are chosen by name or by what their names begin with', async (t) => {
  const chosen = (...kinds: string[]) => chooseFaults(ALL_FAULTS, kinds).map(({ name }) => name);
  t.equal(chosen().length, ALL_FAULTS.length);
  t.strictSame(chosen('process-kill'), ['process-kill']);
  t.ok(chosen('kafka').length > 8 && chosen('kafka').every((name) => name.startsWith('kafka-')));
  t.throws(() => chosen('kafka', 'proc'), /there is no fault 'proc'; there are: process-kill,/);
});

t.test('names tell faults apart', async (t) => {
  t.equal(new Set(ALL_FAULTS.map(({ name }) => name)).size, ALL_FAULTS.length);
});
