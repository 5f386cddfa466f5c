import t from 'tap';
import type { PublishInput } from '../../src/demo/broker/message.js';
import { DeviceLoop } from '../../src/demo/device-loop.js';
import { PICTURE_BYTES, Plants } from '../../src/demo/plants.js';
import { Reconciliation } from '../../src/demo/reconcile.js';
import { ManualClock } from '../support/manual-clock.js';

interface Sent {
  readonly topic: string;
  readonly key: string;
  readonly payload: Buffer;
}

/** Devices whose messages go nowhere until `read` says that they were read back. */
function devices(messagesPerSecond: number) {
  const clock = new ManualClock();
  const sent: Sent[] = [];
  let unread: Sent[] = [];
  const reconciliation = new Reconciliation(
    ['telemetry', 'events', 'pictures'].map((route) => ({ route, kafkaTopic: route })),
  );
  const broker = {
    publish: ({ topic, payload = '', userProperties = [] }: PublishInput) => {
      const key = new Map(userProperties).get('machine-id') ?? '';
      const message = { topic, key, payload: Buffer.from(payload) };
      sent.push(message);
      unread.push(message);
      return 1;
    },
  };
  const read = () => {
    for (const { topic, payload } of unread) {
      const kafkaTopic = ['telemetry', 'events', 'pictures'].find((name) => topic.includes(name));
      const place = { kafkaTopic: kafkaTopic ?? '', partition: 0, offset: 0, key: '' };
      reconciliation.onRecord({ ...place, mqttTopic: topic, payload });
    }
    unread = [];
  };
  const plants = new Plants(() => 0.5);
  const loop = new DeviceLoop({ plants, broker, reconciliation, messagesPerSecond, clock });
  return { clock, sent, read, loop, reconciliation };
}

t.test('the devices publish at the rate that was asked for', async (t) => {
  const { clock, sent, read, loop } = devices(500);
  loop.start();
  for (let i = 0; i < 20; i++) {
    clock.advance(100);
    read();
  }
  const small = sent.filter(({ topic }) => !topic.includes('pictures'));
  t.equal(small.length, 1000);
  t.equal(small.filter(({ topic }) => topic.endsWith('/events')).length, 25);
});

t.test('a low rate is kept too', async (t) => {
  const { clock, sent, loop } = devices(3);
  loop.start();
  clock.advance(10_000);
  t.equal(sent.filter(({ topic }) => !topic.includes('pictures')).length, 30);
});

t.test('nothing is published that the reader is not close behind', async (t) => {
  const { clock, sent, read, loop, reconciliation } = devices(10_000);
  loop.start();
  clock.advance(5_000);
  t.equal(reconciliation.unread, 4_000);
  read();
  const before = sent.length;
  clock.advance(100);
  t.equal(sent.length - before, 1_001, 'and nothing is made up for, but the caption');
});

t.test('a picture waits until the one before it and its caption were read', async (t) => {
  const { clock, sent, read, loop } = devices(1);
  const pictures = () => sent.filter(({ topic }) => topic.includes('pictures'));
  loop.start();
  clock.advance(10_000);
  t.equal(pictures().length, 1);
  t.equal(pictures()[0]?.payload.length, PICTURE_BYTES);
  read();
  clock.advance(10_000);
  t.equal(pictures().length, 2);
  t.match(pictures()[1]?.topic, /caption$/);
  t.equal(pictures()[1]?.key, pictures()[0]?.key, 'so that it goes to the same partition');
  read();
  clock.advance(20);
  t.equal(pictures().length, 3);
  t.match(pictures()[2]?.topic, /image$/);
});

t.test('a loop that was stopped publishes nothing more', async (t) => {
  const { clock, sent, loop } = devices(100);
  loop.start();
  clock.advance(100);
  loop.stop();
  const before = sent.length;
  clock.advance(1_000);
  t.ok(before > 0);
  t.equal(sent.length, before);
});
