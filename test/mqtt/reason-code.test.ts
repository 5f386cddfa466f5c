import t from 'tap';
import { reasonDisposition, reasonText } from '../../src/mqtt/reason-code.js';

t.test(
  'a reason code is named with its number; one that there is not, by its number',
  async (t) => {
    t.equal(reasonText(0x00), '0x00 Success');
    t.equal(reasonText(0x87), '0x87 Not authorized');
    t.equal(reasonText(0x05), '0x05');
    t.equal(reasonText(0xff), '0xff');
  },
);

t.test('what a person has to mend is not tried again soon', async (t) => {
  for (const code of [0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x8f, 0x9b, 0x9c, 0x9d, 0x9e, 0xa1, 0xa2])
    t.equal(reasonDisposition(code), 'refuse', reasonText(code));
  for (const code of [0x80, 0x81, 0x82, 0x83, 0x88, 0x89, 0x8b, 0x8d, 0x93, 0x95, 0x97, 0x98, 0x9f])
    t.equal(reasonDisposition(code), 'retry', reasonText(code));
  t.equal(reasonDisposition(0x8e), 'stop', 'two that fight for a session never end');
});

t.test('what MQTT 5 does not name counts by its highest bit', async (t) => {
  t.equal(reasonDisposition(0x7f), 'go-on');
  t.equal(reasonDisposition(0xfe), 'retry');
});

t.test('no code below 0x80 is a failure to acknowledge', async (t) => {
  for (const code of [0x00, 0x01, 0x02, 0x10, 0x11]) t.equal(reasonDisposition(code), 'go-on');
});
