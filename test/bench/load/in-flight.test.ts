import t from 'tap';
import { InFlight } from '../../../src/bench/load/in-flight.js';

t.test('packet identifiers rise, skip those in use, and are never 0', async (t) => {
  const inFlight = new InFlight();
  const held = inFlight.open(1, 0);
  t.equal(held, 1);
  let last = held;
  for (let packetId = inFlight.open(1, 0); packetId > last; packetId = inFlight.open(1, 0)) {
    last = packetId;
    inFlight.settle(packetId);
  }
  t.equal(last, 255, 'no more of them than are needed');
  t.equal(inFlight.size, 2);
  t.equal(inFlight.open(1, 0), 3, '1 and 2 are in use, 0 is not allowed');
});

t.test('what is in flight stays so when there are more packet identifiers', async (t) => {
  const inFlight = new InFlight();
  const numbers = Array.from({ length: 3000 }, (_, n) => n + 1);
  t.strictSame(
    numbers.map((n) => inFlight.open(n, 0)),
    numbers,
  );
  t.strictSame(
    numbers.map((n) => inFlight.settle(n)),
    numbers,
  );
  t.match(inFlight, { size: 0, unknown: 0, outOfOrder: 0 });
});

t.test('settling gives back when the message was due, and its size, once', async (t) => {
  const inFlight = new InFlight();
  const packetId = inFlight.open(12.5, 700);
  t.equal(inFlight.settle(packetId), 12.5);
  t.equal(inFlight.settledPayloadBytes, 700);
  t.equal(inFlight.settle(packetId), 0);
  t.equal(inFlight.settle(65_535), 0);
  t.equal(inFlight.unknown, 2);
  t.equal(inFlight.size, 0);
});

t.test('a PUBACK is out of order when a later PUBLISH was acknowledged before it', async (t) => {
  const inFlight = new InFlight();
  const [a, b, c, d] = [1, 2, 3, 4].map((ms) => inFlight.open(ms, 0)) as [
    number,
    number,
    number,
    number,
  ];
  inFlight.settle(a);
  inFlight.settle(c);
  t.equal(inFlight.outOfOrder, 0);
  inFlight.settle(b);
  t.equal(inFlight.outOfOrder, 1);
  inFlight.settle(d);
  t.equal(inFlight.outOfOrder, 1);
});

t.test('more messages than packet identifiers are a programming error', async (t) => {
  const inFlight = new InFlight();
  for (let n = 1; n <= 65_535; n += 1) inFlight.open(1, 0);
  t.throws(() => inFlight.open(1, 0), { name: 'AssertionError' });
});
