import t from 'tap';
import { readFrame } from '../../src/channel/frame.js';
import { pair, parts } from '../support/publish-packets.js';
import { shape, writeRecord } from '../support/written-record.js';

t.test('a frame is read back wherever it lies', async (t) => {
  const { record } = writeRecord(
    shape({ keyIsTopic: true }),
    parts({ properties: [pair('a', 'b')] }),
  );
  t.match(record, { deliveryId: 77, targetId: 5, routeIndex: 3, payloadInSlab: false });
  t.equal(Buffer.from(record.payload).toString(), '21.5');
  t.equal(record.headers[0]?.[0], 'a');
});

t.test('a frame that is cut gives no bytes of anything else', async (t) => {
  const frame = new Uint8Array(48);
  const view = new DataView(frame.buffer);
  view.setUint32(16, 0xffffffff, true);
  view.setUint32(28, 48, true);
  view.setUint32(32, 1_000, true);
  const record = readFrame(frame, new Uint8Array(0));
  t.equal(record.key, null);
  t.equal(record.payload.length, 0);
});
