import t from 'tap';
import {
  describePayloadMix,
  parsePayloadMix,
  payloadBytesMax,
  payloadBytesMean,
  payloadBytesMin,
} from '../../../src/bench/load/payload-mix.js';

const LIMIT = 255 * 1024 * 1024;

t.test('a size alone is that of all payloads', async (t) => {
  t.same(parsePayloadMix('200', LIMIT), [{ bytes: 200, percent: 100 }]);
  t.same(parsePayloadMix('4k', LIMIT), [{ bytes: 4096, percent: 100 }]);
  t.same(parsePayloadMix('2M', LIMIT), [{ bytes: 2_097_152, percent: 100 }]);
});

t.test('a mix has sizes and their shares', async (t) => {
  const mix = parsePayloadMix('200:90%, 4k:9.5%,2m:0.5%', LIMIT);
  t.same(mix, [
    { bytes: 200, percent: 90 },
    { bytes: 4096, percent: 9.5 },
    { bytes: 2_097_152, percent: 0.5 },
  ]);
  t.equal(payloadBytesMax(mix), 2_097_152);
  t.equal(payloadBytesMin(mix), 200);
  t.ok(Math.abs(payloadBytesMean(mix) - (180 + 389.12 + 10_485.76)) < 0.001);
  t.equal(describePayloadMix(mix), '200 B 90% + 4,096 B 9.5% + 2,097,152 B 0.5%');
});

t.test('what is no mix is refused with what is wrong', async (t) => {
  for (const [text, message] of [
    ['200:90%,4k:9%', 'the percentages must add to 100, and they add to 99.'],
    ['200:90%,4k', "a size and its share such as 4k:9% is needed, not '4k'."],
    ['many', "a size such as 200, 4k or 2m is needed, not 'many'."],
    ['', /is needed, not ''/],
    ['200:100%,4k:0%', /more than nothing/],
    ['256m', /has 267386880 bytes at most, not 256m/],
    ['-1', /is needed/],
  ] as const) {
    t.throws(() => parsePayloadMix(text, LIMIT), { message }, text);
  }
});
