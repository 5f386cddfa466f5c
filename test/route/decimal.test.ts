import t from 'tap';
import { decimalDigits, readDecimal, writeDecimal } from '../../src/route/decimal.js';

const MOST = 2 ** 53 - 1;
const VALUES = [0, 1, 9, 10, 99, 100, 65_535, 2 ** 31, 2 ** 32 - 1, 1_764_200_000_123, MOST];

t.test('a number is written as String writes it, and read again', async (t) => {
  for (const value of VALUES) {
    const bytes = Buffer.alloc(20, '.');
    const end = writeDecimal(bytes, 2, value);
    t.equal(bytes.toString('latin1', 0, end + 1), `..${value}.`);
    t.equal(decimalDigits(value), String(value).length);
    t.equal(readDecimal(bytes, 2, end, MOST), value);
  }
});

t.test('what is no number, or too large, is none', async (t) => {
  const read = (text: string) => readDecimal(Buffer.from(text), 0, text.length, 4_294_967_295);
  for (const text of [
    '',
    ' 1',
    '1 ',
    '-1',
    '+1',
    '1.0',
    '1e3',
    '0x1',
    '4294967296',
    '9'.repeat(400),
  ])
    t.equal(read(text), -1, text);
  t.equal(read('4294967295'), 4_294_967_295);
  t.equal(read('007'), 7);
});
