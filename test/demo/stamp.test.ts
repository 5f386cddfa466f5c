import t from 'tap';
import { correlationOf, readCorrelation, readStamp, stampedJson } from '../../src/demo/stamp.js';

t.test('a number is read from the payload that was stamped with it', async (t) => {
  for (const id of [1, 9, 10, 123_456_789, 999_999_999_999_999]) {
    const text = stampedJson(id, { value: 1.5 });
    t.equal(readStamp(Buffer.from(text)), id);
    t.strictSame(JSON.parse(text), { demoId: id, value: 1.5 });
  }
});

t.test('other payloads have no number', async (t) => {
  const others = [
    '',
    'hello',
    '{"demoId":',
    '{"demoId":}',
    '{"demoId":,"value":1}',
    '{"demoId":12',
    '{"demoId":12}',
    '{"demoId":-1,"value":1}',
    '{"demoId":1.5,"value":1}',
    '{"demoId":1234567890123456,"value":1}',
    ' {"demoId":1,"value":1}',
  ];
  for (const text of others) t.equal(readStamp(Buffer.from(text)), undefined, text);
});

t.test(
  'a number is read from the Correlation Data that were made of it, and from no others',
  async (t) => {
    for (const id of [1, 10, 999_999_999_999_999]) t.equal(readCorrelation(correlationOf(id)), id);
    t.equal(readCorrelation(undefined), undefined);
    for (const other of [
      '',
      '1',
      'demo-command-',
      'demo-command-0',
      'demo-command-1 ',
      'demo-command--1',
    ])
      t.equal(readCorrelation(Buffer.from(other)), undefined, other);
  },
);
