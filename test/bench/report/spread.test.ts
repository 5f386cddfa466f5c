import t from 'tap';
import { spreadOf } from '../../../src/bench/report/spread.js';

t.test('the spread of an even number of figures has the middle of two as its median', async (t) => {
  t.same(spreadOf([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
  t.same(spreadOf([5]), { median: 5, min: 5, max: 5 });
});
