import t from 'tap';
import { holm } from '../../../src/bench/report/holm.js';

t.test('one chance is held against the whole of what may be', async (t) => {
  t.same(holm([0.05], 0.05), [true]);
  t.same(holm([0.051], 0.05), [false]);
  t.same(holm([], 0.05), []);
});

t.test('of several the smallest has the smallest share, the next a larger one', async (t) => {
  // Holm (1979): 0.05 over 4, 3, 2 and 1.
  t.same(holm([0.01, 0.04, 0.03, 0.005], 0.05), [true, false, false, true]);
  t.same(holm([0.04, 0.0125, 0.025, 0.0166], 0.05), [true, true, true, true]);
});

t.test('one that is too large ends it, whatever comes behind', async (t) => {
  t.same(holm([0.03, 0.03, 0.03], 0.05), [false, false, false]);
  t.same(holm([0.001, 0.03, 0.04], 0.05), [true, false, false]);
});
