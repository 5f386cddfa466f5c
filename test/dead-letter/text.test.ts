import t from 'tap';
import type { LetterSummary, OpenLetter } from '../../src/dead-letter/reader.js';
import {
  escapeText,
  hexDump,
  letterJson,
  letterTable,
  letterText,
  payloadText,
  terminalJson,
} from '../../src/dead-letter/text.js';
import { bytesOf, sampleLetter } from '../support/dead-letters.js';

const id = '01700000000000-000000-0a1b2c3d';
const hostile = 'a\u001b[2J\u009b31m\u202e\r\nb\u2028c\\d\u0007';
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

function summaryOf(changes = {}): LetterSummary {
  const { payload, ...meta } = sampleLetter(changes);
  const payloadBytes = payload.byteLength;
  return { id, path: 'p', fileBytes: 300, state: 'whole', meta, payloadBytes };
}

function openOf(changes = {}): OpenLetter {
  const { payload, ...meta } = sampleLetter(changes);
  return {
    id,
    path: 'p',
    meta,
    payloadBytes: payload.byteLength,
    payload: async function* () {
      yield payload;
    },
    close: async () => {},
  };
}

t.test('what a terminal would act upon is escaped, everything else stays', async (t) => {
  t.equal(escapeText(hostile), 'a\\u{1b}[2J\\u{9b}31m\\u{202e}\\r\\nb\\u{2028}c\\\\d\\u{7}');
  t.equal(escapeText('Größe 12 µm 温度 😀'), 'Größe 12 µm 温度 😀');
});

t.test('the table has one line for each letter, whatever its topic holds', async (t) => {
  const table = letterTable([
    summaryOf(),
    summaryOf({ mqtt: { topic: hostile, qos: 1, retain: false, packetId: 1 } }),
    { id, path: 'p', fileBytes: 12, state: 'damaged', problem: 'shorter than its header' },
  ]);
  const lines = table.split('\n');
  t.equal(lines.length, 5);
  t.match(lines[0], /^ID +TIME +CONNECTOR +ROUTE +TOPIC +BYTES +REASON$/);
  t.match(
    lines[1],
    new RegExp(`^${id}  2023-11-14T22:13:20.000Z  my-connector  route1  plant/1/temp`),
  );
  t.match(lines[1], /4 {6}recordTooLarge: Broker: Message size too large$/);
  t.match(lines[3], /12 {5}damaged: shorter than its header$/);
  for (const line of lines) t.notMatch(line, unsafe);
});

t.test('long cells are cut', async (t) => {
  const mqtt = { topic: 'x'.repeat(1_000), qos: 1, retain: false, packetId: 1 };
  t.ok(letterTable([summaryOf({ mqtt })]).length < 500);
});

t.test('JSON is safe on a terminal and says the same', async (t) => {
  const mqtt = { topic: hostile, qos: 1, retain: false, packetId: 1 };
  const json = terminalJson([letterJson(summaryOf({ mqtt }))]);
  t.notMatch(json.replaceAll('\n', ''), unsafe);
  t.match(JSON.parse(json), [{ id, mqtt: { topic: hostile }, payloadBytes: 4, state: 'whole' }]);
});

t.test('a letter is shown with key and all headers in order', async (t) => {
  const text = letterText(openOf());
  t.match(text, /^key: +device-7$/m);
  t.match(
    text,
    /^header: +Topic = plant\/1\/temp\nheader: +colour = red\nheader: +colour = blue$/m,
  );
  t.match(text, /^partition: +by key$/m);
});

t.test(
  'headers with control characters or binary values are shown in hex or escaped',
  async (t) => {
    const kafka = {
      topic: 'k',
      partition: 2,
      key: null,
      headers: [
        ['\u001b]0;x\u0007', bytesOf('v')],
        ['Correlation Data', new Uint8Array([0xff, 0x00, 0x1b])],
        ['multi', bytesOf('a\nb')],
      ],
      acks: 'one',
    };
    const text = letterText(openOf({ kafka }));
    t.notMatch(text.replaceAll('\n', ''), unsafe);
    t.match(text, /^header: +Correlation Data = 0xff001b$/m);
    t.match(text, /^header: +multi = a\\nb$/m);
    t.match(text, /^key: +\(none\)$/m);
    t.match(text, /^partition: +2$/m);
  },
);

t.test('a payload of text is shown as text, line by line', async (t) => {
  t.equal(payloadText(bytesOf('{"t":\n21.5}'), 11), '{"t":\n21.5}\n');
  t.equal(payloadText(bytesOf('line\n'), 5), 'line\n');
  t.equal(payloadText(new Uint8Array(), 0), '');
  t.equal(payloadText(bytesOf('a\tb\u202ec'), 7), 'a\\tb\\u{202e}c\n');
});

t.test('a payload with control characters or that is no UTF-8 is dumped in hex', async (t) => {
  t.match(payloadText(bytesOf('a\u001b[2J'), 5), /^00000000 {2}61 1b 5b 32 4a +a\.\[2J\n$/);
  t.match(payloadText(new Uint8Array([0xc3, 0x28]), 2), /^00000000 {2}c3 28 +\.\(\n$/);
  t.equal(hexDump(new Uint8Array(40)).split('\n').length, 4);
});

t.test('a character that is cut off by the bound does not make text binary', async (t) => {
  const whole = bytesOf('ab€');
  t.match(payloadText(whole.subarray(0, 4), 5), /^ab\n\.\.\. and 1 bytes more/);
  t.match(payloadText(whole.subarray(0, 4), 4), /^00000000/, 'unless nothing follows');
});
