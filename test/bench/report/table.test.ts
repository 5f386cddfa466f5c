import t from 'tap';
import { textTable } from '../../../src/bench/report/table.js';

const ROWS = [
  ['messages/s', '412,331'],
  ['peak RSS, MB', '88'],
];

t.test('texts stand left, numbers right, and a rule is under the heads', async (t) => {
  t.strictSame(textTable({ heads: ['connector', 'median'] }, ROWS), [
    'connector      median',
    '─────────────────────',
    'messages/s    412,331',
    'peak RSS, MB       88',
  ]);
});

t.test('tables of the same widths have their columns at the same place', async (t) => {
  const widths = [30, 12];
  const [head = ''] = textTable({ heads: ['a', 'median'], widths }, ROWS);
  const [, , row = ''] = textTable({ heads: ['quite another', 'median'], widths }, ROWS);
  t.equal(head.length, row.length);
});

t.test('there is no escape sequence unless colour is asked for', async (t) => {
  t.notMatch(textTable({ heads: ['a', 'b'] }, ROWS).join('\n'), '\u001b');
});
