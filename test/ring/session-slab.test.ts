import t from 'tap';
import { SessionSlab } from '../../src/ring/session-slab.js';

const PAGE = 4096;
const PAYLOAD_MAX = 4 * PAGE;

function create(regionOf: readonly number[], commonPages = 16): SessionSlab {
  const commonBytes = commonPages * PAGE;
  return new SessionSlab({ commonBytes, payloadBytesMax: PAYLOAD_MAX - 1, regionOf });
}

/** Takes payloads of this size until there is no room; returns where they lie. */
function fill(slab: SessionSlab, session: number, bytes: number): number[] {
  const starts: number[] = [];
  for (let at = slab.reserve(session, bytes); at >= 0; at = slab.reserve(session, bytes)) {
    starts.push(at);
  }
  return starts;
}

t.test('a single session has all of it', async (t) => {
  const slab = create([0]);
  t.equal(slab.memory.byteLength, 16 * PAGE);
  t.equal(fill(slab, 0, PAGE).length, 16);
});

t.test('the largest payload of a session passes, whatever the others hold', async (t) => {
  for (const bytes of [1, PAGE, 3 * PAGE, PAYLOAD_MAX - 1]) {
    const slab = create([0, 1, 2, 3]);
    for (const session of [0, 1, 2]) fill(slab, session, bytes);
    const start = slab.reserve(3, PAYLOAD_MAX - 1);
    t.ok(start >= 0, `payloads of ${bytes}`);
    t.ok(start + PAYLOAD_MAX <= slab.bytes.length);
    slab.release(start);
    t.ok(slab.reserve(3, PAYLOAD_MAX - 1) >= 0, 'and the next one');
  }
});

t.test('small payloads that are held in between leave the largest its room', async (t) => {
  const slab = create([0, 1]);
  const starts = [...fill(slab, 0, PAGE), ...fill(slab, 1, PAGE)];
  // Their own regions, and every other page of the common part.
  for (const start of starts) if (start % (2 * PAGE) === 0) slab.release(start);
  const large = [slab.reserve(1, PAYLOAD_MAX - 1), slab.reserve(0, PAYLOAD_MAX - 1)];
  t.ok(
    large.every((start) => start >= 0),
    `${large}`,
  );
});

t.test('a session’s own region is touched only when the common part has no room', async (t) => {
  const slab = create([0, 1]);
  const first = slab.reserve(0, PAYLOAD_MAX - 1);
  t.equal(first, 2 * PAYLOAD_MAX, 'behind the regions');
  t.equal(slab.reserve(1, PAYLOAD_MAX - 1), 3 * PAYLOAD_MAX);
  slab.release(first);
  t.equal(slab.reserve(0, 1), 2 * PAYLOAD_MAX);
});

t.test('regions do not overlap, and what is released can be taken again', async (t) => {
  const slab = create([0, 1, 1]);
  const taken = [0, 1, 2].flatMap((session) => fill(slab, session, PAYLOAD_MAX - 1));
  t.equal(new Set(taken).size, taken.length);
  t.ok(taken.every((start) => start % PAYLOAD_MAX === 0));
  for (const start of taken) slab.release(start);
  const again = [0, 1, 2].flatMap((session) => fill(slab, session, PAYLOAD_MAX - 1));
  t.same(again, taken);
  t.throws(() => slab.release(PAGE), /no region/);
});

t.test('where sessions share a region, one of them has it at a time', async (t) => {
  const slab = create([0, 0]);
  for (const session of [0, 1]) fill(slab, session, PAGE);
  t.equal(slab.reserve(0, PAGE), -1);
  t.equal(slab.reserve(1, PAGE), -1);
  slab.release(0);
  t.equal(slab.reserve(1, PAGE), 0);
});
