import t from 'tap';
import { shortText } from '../../src/base/short-text.js';

t.test('a text that is long is its beginning, and says how long it was', async (t) => {
  t.equal(shortText('x'.repeat(200)), 'x'.repeat(200));
  t.equal(shortText('x'.repeat(201)), `${'x'.repeat(200)}... (201 characters)`);
});

t.test('no character is cut in two', async (t) => {
  const text = `${'x'.repeat(199)}\u{1f600}${'y'.repeat(10)}`;
  t.equal(shortText(text), `${'x'.repeat(199)}... (211 characters)`);
});
