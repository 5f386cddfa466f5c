import t from 'tap';
import { payloadOf } from '../../../src/bench/load/payload.js';
import { PayloadCheck } from '../../../src/bench/load/payload-check.js';
import { STAMP_BYTES, viewOf } from '../../../src/bench/load/stamp.js';

const EXPECTED = payloadOf(5000);

/** Somewhere in memory, with a stamp. */
function placed(length: number): { bytes: Buffer; at: number; end: number } {
  const at = 3;
  const bytes = Buffer.concat([Buffer.alloc(at), EXPECTED.subarray(0, length), Buffer.alloc(9)]);
  bytes.fill(0xee, at, at + STAMP_BYTES);
  return { bytes, at, end: at + length };
}

t.test('a payload is good when every byte after its stamp is as it was sent', async (t) => {
  const check = new PayloadCheck(EXPECTED);
  for (const length of [16, 17, 18, 19, 20, 200, 203, 512, 513, 5000]) {
    const { bytes, at, end } = placed(length);
    t.equal(check.isGood(bytes, viewOf(bytes), at, end), true, `${length} bytes`);
    for (let n = at + STAMP_BYTES; n < end; n += Math.ceil(length / 300)) {
      (bytes[n] as number)++;
      if (check.isGood(bytes, viewOf(bytes), at, end)) t.fail(`byte ${n} of ${length}`);
      (bytes[n] as number)--;
    }
  }
  const longer = Buffer.concat([EXPECTED, Buffer.alloc(1)]);
  t.equal(check.isGood(longer, viewOf(longer), 0, 5001), false, 'longer than any');
});

t.test('a payload in pieces is good when all of them are', async (t) => {
  const check = new PayloadCheck(EXPECTED);
  const { bytes, at, end } = placed(4000);
  const inPieces = (pieces: number) => {
    const step = Math.ceil((end - at) / pieces);
    check.begin(bytes, at, at + step);
    for (let from = at + step; from < end; from += step) {
      check.goOn(bytes, from, Math.min(from + step, end));
    }
    return check.isGoodSoFar;
  };
  for (const pieces of [1, 2, 3, 100]) t.equal(inPieces(pieces), true, `${pieces} pieces`);
  for (const wrong of [at + STAMP_BYTES, at + 2000, end - 1]) {
    (bytes[wrong] as number)++;
    for (const pieces of [1, 2, 3, 100]) t.equal(inPieces(pieces), false, `byte ${wrong}`);
    (bytes[wrong] as number)--;
  }
});
