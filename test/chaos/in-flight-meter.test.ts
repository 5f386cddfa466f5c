import mqtt from 'mqtt-packet';
import t from 'tap';
import { InFlightMeter } from './in-flight-meter.js';

const VERSION = { protocolVersion: 5 } as const;

function publish(messageId: number, bytes = 10, qos: 0 | 1 = 1): Buffer {
  const head = { cmd: 'publish', topic: 't', dup: false, retain: false, qos, messageId } as const;
  return mqtt.generate({ ...head, payload: Buffer.alloc(bytes, 0x30) }, VERSION);
}

function puback(messageId: number): Buffer {
  return mqtt.generate({ cmd: 'puback', messageId, reasonCode: 0 }, VERSION);
}

t.test('what is published and not acknowledged at the end is in flight', async (t) => {
  const meter = new InFlightMeter(() => 0);
  const connection = meter.observe();
  for (let id = 1; id <= 5; id++) connection.fromServer(publish(id));
  connection.fromServer(publish(0, 10, 0));
  t.equal(meter.atEnds, 0, 'nothing has ended');
  connection.closed();
  t.equal(meter.atEnds, 5, 'QoS 0 does not come again');
  const other = meter.observe();
  other.fromServer(Buffer.concat([publish(1), publish(2), publish(3)]));
  other.closed();
  t.match(meter, { atEnds: 8, most: 5 });
});

t.test('what was acknowledged long before the end is not', async (t) => {
  let nowMs = 0;
  const meter = new InFlightMeter(() => nowMs);
  const connection = meter.observe();
  for (let id = 1; id <= 9; id++) connection.fromServer(publish(id));
  for (let id = 1; id <= 7; id++) connection.toServer(puback(id));
  nowMs = 10_000;
  connection.toServer(puback(8));
  nowMs = 30_500;
  connection.closed();
  t.equal(meter.atEnds, 2, 'two seconds before there were two, and then one');
});

t.test('an acknowledgement shortly before the end may not have been read', async (t) => {
  let nowMs = 0;
  const meter = new InFlightMeter(() => nowMs);
  const connection = meter.observe();
  for (let id = 1; id <= 9; id++) connection.fromServer(publish(id));
  nowMs = 3000;
  for (let id = 1; id <= 9; id++) connection.toServer(puback(id));
  connection.closed();
  t.equal(meter.atEnds, 9);
});

t.test('packets are cut wherever the bytes are', async (t) => {
  const sizes = [0, 1, 100, 127, 128, 16_383, 16_384, 70_000];
  const bytes = Buffer.concat([
    mqtt.generate({ cmd: 'pingresp' }),
    ...sizes.map((size, index) => publish(index + 1, size)),
  ]);
  for (const step of [1, 2, 3, 1000, bytes.length]) {
    const meter = new InFlightMeter(() => 0);
    const connection = meter.observe();
    for (let at = 0; at < bytes.length; at += step)
      connection.fromServer(bytes.subarray(at, at + step));
    connection.closed();
    t.equal(meter.atEnds, sizes.length, `${step} bytes at a time`);
  }
});
