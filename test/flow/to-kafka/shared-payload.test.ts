import t from 'tap';
import { SharedPayload } from '../../../src/flow/to-kafka/shared-payload.js';
import { ABSENT, Publish } from '../../../src/mqtt/receive/publish.js';
import { SessionSlab } from '../../../src/ring/session-slab.js';

const PAYLOAD_BYTES = 20_000;

/** A slab with room for one payload, and a PUBLISH that has one. */
function open(payloadBytes = PAYLOAD_BYTES) {
  const slab = new SessionSlab({
    commonBytes: 24_576,
    payloadBytesMax: PAYLOAD_BYTES,
    regionOf: [0],
  });
  const memory = new ArrayBuffer(32_768);
  const publish = new Publish(new Uint8Array(memory).fill(7), new Int32Array(memory));
  publish.payloadStart = 100;
  publish.payloadBytes = payloadBytes;
  return { slab, publish, shared: new SharedPayload(slab) };
}

t.test(
  'a payload is moved to the slab, and its room comes back when nothing was sent',
  async (t) => {
    const { slab, publish, shared } = open();
    for (let attempt = 0; attempt < 3; attempt++) {
      t.ok(shared.move(0, publish), 'there is room each time');
      t.not(publish.slabOffset, ABSENT);
      t.equal(slab.bytes[publish.slabOffset + PAYLOAD_BYTES - 1], 7);
      t.equal(shared.undo(publish), false);
      t.equal(publish.slabOffset, ABSENT);
    }
  },
);

t.test('what a delivery owns is not given back, and a full slab moves nothing', async (t) => {
  const { publish, shared } = open();
  t.ok(shared.move(0, publish));
  shared.handOver();
  const { slabOffset } = publish;
  shared.undo(publish);
  t.equal(publish.slabOffset, slabOffset);
  publish.slabOffset = ABSENT;
  t.equal(shared.move(0, publish), false, 'its region is in use');
  t.equal(publish.slabOffset, ABSENT);
});

t.test('a small payload stays where it is', async (t) => {
  const { publish, shared } = open(1000);
  t.ok(shared.move(0, publish));
  t.equal(publish.slabOffset, ABSENT);
});
