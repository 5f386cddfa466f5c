import t from 'tap';
import { positiveNumber, seconds, wholeNumber } from '../../src/cli/numbers.js';

t.test('a whole number is digits within its bounds', async (t) => {
  const parse = wholeNumber(1, 65_535);
  t.equal(parse('1'), 1);
  t.equal(parse('65535'), 65_535);
  for (const text of ['0', '65536', '', ' ', '1.5', '-1', '1e3', '0x10', 'x', '1 ']) {
    t.throws(() => parse(text), { message: 'a whole number from 1 to 65535 is needed.' }, text);
  }
  t.throws(() => wholeNumber(2)('1'), { message: 'a whole number of at least 2 is needed.' });
  t.throws(() => wholeNumber(2)('9'.repeat(400)), 'no infinity');
});

t.test('a positive number may have a fraction, and is finite', async (t) => {
  t.equal(positiveNumber()('0.25'), 0.25);
  for (const text of ['0', '-1', '', 'x', 'Infinity', '1e999']) {
    t.throws(() => positiveNumber()(text), { message: 'a number above 0 is needed.' }, text);
  }
  t.throws(() => positiveNumber(10)('11'), { message: 'a number above 0, up to 10, is needed.' });
});

t.test('seconds are from 0 to a day', async (t) => {
  t.equal(seconds('0'), 0);
  t.equal(seconds('2.5'), 2.5);
  for (const text of ['', '-1', '86401', 'soon']) t.throws(() => seconds(text), text);
});
