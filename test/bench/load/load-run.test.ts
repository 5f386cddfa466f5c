import t from 'tap';
import { LoadRun } from '../../../src/bench/load/load-run.js';
import { BENCH_DEFAULTS, loadOf } from '../../../src/bench/options.js';
import type { Load } from '../../../src/bench/protocol.js';

const DIRECT = loadOf({ ...BENCH_DEFAULTS, warmupMessages: 0, messages: 1000 });
const THROUGH_BROKER: Load = {
  ...DIRECT,
  throughBroker: {
    window: 64,
    bootstrapServers: '',
    embedded: false,
    kafkaTopic: '',
    recordBytesMax: 0,
    readyMqttTopic: '',
    readyKafkaTopic: '',
  },
};
const PAYLOAD_BYTES = 200;

function started(load: Load): LoadRun {
  const run = new LoadRun(load, () => undefined);
  run.measurement.start(1000);
  return run;
}

function arrive(run: LoadRun, from: number, to: number, nowMs: number): void {
  run.beginBurst(nowMs);
  for (let sequence = from; sequence < to; sequence += 1) {
    run.onRecord(sequence, 1000, PAYLOAD_BYTES);
  }
  run.endBurst();
}

t.test('to a connector a PUBACK settles a message, or the kernel at QoS 0', async (t) => {
  const run = started(DIRECT);
  run.schedule.take(1000, 10);
  run.beginBurst(1005);
  run.onPuback(0, 1000, PAYLOAD_BYTES);
  run.onPuback(0x97, 1000, PAYLOAD_BYTES);
  t.equal(run.endBurst(), true);
  t.match(run.measurement, { settled: 2, refused: 1 });
  t.match(run, { acknowledged: 2, onTheWay: 0, room: Number.POSITIVE_INFINITY });
  const unconfirmed = started({ ...DIRECT, qos: 0 });
  unconfirmed.onFlushed(3, 3 * PAYLOAD_BYTES, 1001);
  t.equal(unconfirmed.measurement.settled, 3);
});

t.test('through a broker a message is settled when it is in Kafka, and once', async (t) => {
  const run = started(THROUGH_BROKER);
  run.schedule.take(1000, 10);
  run.beginBurst(1005);
  for (let n = 0; n < 10; n += 1) run.onPuback(0, 1000, PAYLOAD_BYTES);
  t.equal(run.endBurst(), true, 'there may be room for more');
  run.onFlushed(10, 10 * PAYLOAD_BYTES, 1005);
  t.match(run, { acknowledged: 10, onTheWay: 10, measurement: { settled: 0 } });
  arrive(run, 0, 4, 1010);
  arrive(run, 2, 6, 1020);
  t.match(run, { onTheWay: 4, measurement: { settled: 6, lastSettledAtMs: 1020 } });
  t.equal(run.measurement.report().latency?.maxMs, 20);
  run.beginBurst(1030);
  run.onRecord(10, 1000, PAYLOAD_BYTES);
  t.equal(run.endBurst(), false, 'a number that was never sent');
  t.equal(run.onTheWay, 4);
});

t.test('in saturation no more is on its way to Kafka than the window', async (t) => {
  const run = started(THROUGH_BROKER);
  t.equal(run.room, 64);
  run.schedule.take(1000, 64);
  t.equal(run.room, 0);
  arrive(run, 0, 1, 1010);
  t.equal(run.room, 0, 'a little room waits for more');
  arrive(run, 1, 2, 1010);
  t.equal(run.room, 2);
  const open = started({ ...THROUGH_BROKER, ratePerSecond: 1000 });
  t.equal(open.room, Number.POSITIVE_INFINITY, 'an open loop sends what is due');
});
