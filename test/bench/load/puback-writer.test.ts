import t from 'tap';
import { PubackWriter } from '../../../src/bench/load/puback-writer.js';

t.test('PUBACKs are written in order and at once, and once', async (t) => {
  const writes: Buffer[] = [];
  const pubacks = new PubackWriter((bytes) => writes.push(bytes));
  const count = 5000;
  for (let id = 1; id <= count; id += 1) pubacks.add(id);
  pubacks.flush();
  pubacks.flush();
  t.equal(writes.length, 1);
  const [bytes] = writes as [Buffer];
  t.equal(bytes.length, count * 4);
  for (let n = 0; n < count; n += 1) {
    if (bytes.readUInt32BE(n * 4) !== 0x40020000 + n + 1) t.fail(`PUBACK ${n}`);
  }
  pubacks.add(65_535);
  pubacks.flush();
  t.same(writes[1], Buffer.from([0x40, 2, 0xff, 0xff]));
  t.equal(bytes.readUInt32BE(0), 0x40020001, 'what was handed out stays as it is');
});
