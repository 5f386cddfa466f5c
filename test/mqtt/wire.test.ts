import assert from 'node:assert/strict';
import { isUtf8 as nodeIsUtf8 } from 'node:buffer';
import t from 'tap';
import { isTopicName, isUtf8 } from '../../src/mqtt/wire.js';
import { forSeeds } from '../support/random.js';

t.test('text is what Node takes for UTF-8, but for U+0000', (t) =>
  forSeeds(t, 20_000, (random) => {
    const leads = [
      0x00, 0x41, 0x7f, 0x80, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5,
    ];
    const bytes = Uint8Array.from({ length: random.below(7) }, () =>
      random.chance(0.5) ? random.pick(leads) : random.between(0x80, 0xbf),
    );
    assert.equal(
      isUtf8(bytes, 0, bytes.length),
      nodeIsUtf8(bytes) && !bytes.includes(0),
      `${bytes}`,
    );
  }),
);

t.test('every code point is text, but for surrogates and U+0000', async (t) => {
  const wrong: number[] = [];
  for (let point = 0; point <= 0x10ffff; point++) {
    const surrogate = point >= 0xd800 && point <= 0xdfff;
    // TextEncoder writes U+FFFD for a surrogate, so its three bytes are made by hand.
    const bytes = surrogate
      ? Uint8Array.of(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 0x3f), 0x80 | (point & 0x3f))
      : new TextEncoder().encode(String.fromCodePoint(point));
    if (isUtf8(bytes, 0, bytes.length) === (surrogate || point === 0)) wrong.push(point);
  }
  t.strictSame(wrong, []);
});

t.test('only the bytes between start and end count', async (t) => {
  const bytes = Uint8Array.of(0xff, 0x61, 0xc3, 0xa9, 0xff);
  t.ok(isUtf8(bytes, 1, 4));
  t.notOk(isUtf8(bytes, 1, 3), 'a character that is cut off');
  t.notOk(isUtf8(bytes, 1, 5));
  t.ok(isUtf8(bytes, 2, 2), 'nothing is text');
});

t.test('a topic name is text with at least one character and no wildcard', async (t) => {
  const check = (name: string) => {
    const bytes = new TextEncoder().encode(name);
    return isTopicName(bytes, 0, bytes.length);
  };
  for (const name of ['a', '/', 'plant/1', '$SYS/a', ' ', 'é/温度', '\ufeff'])
    t.ok(check(name), name);
  for (const name of ['', '#', 'a/+/b', 'a#', '+', 'a\0b'])
    t.notOk(check(name), JSON.stringify(name));
  t.notOk(isTopicName(Uint8Array.of(0xc3), 0, 1));
});
