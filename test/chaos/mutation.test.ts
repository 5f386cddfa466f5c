import { readFile } from 'node:fs/promises';
import t from 'tap';
import { mutated } from './mutation/early-puback.js';

const INFLIGHT = new URL('../../src/mqtt/receive/inflight.js', import.meta.url);

t.test('the mutation of test/real/chaos.test.ts still finds its line', async (t) => {
  const source = await readFile(INFLIGHT, 'utf8');
  const changed = mutated(INFLIGHT.href, source);
  t.not(changed, source);
  t.match(changed, /enqueue\(packetId\); this\.#reason\[packetId\] = 1; this\.#release\(\);/);
  t.equal(mutated(new URL('session.js', INFLIGHT).href, source), undefined, 'no other file');
  t.throws(() => mutated(INFLIGHT.href, ''), /begins in 0 places/);
  t.throws(() => mutated(INFLIGHT.href, source + source), /begins in 2 places/);
});
