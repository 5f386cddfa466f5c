import t from 'tap';
import { BENCH_DEFAULTS } from '../../../src/bench/options.js';
import { summaryOf } from '../../../src/bench/report/figures.js';
import type { RoundReport } from '../../../src/bench/round.js';

t.test('a figure that some rounds lack is left out of the summary', async (t) => {
  const load = {
    sent: 10,
    settled: 10,
    unacknowledged: 0,
    refused: 0,
    outOfOrder: 0,
    unknownPacketIds: 0,
    connectionsLost: 0,
    messages: 10,
    seconds: 2,
    latency: undefined,
    latenessP99Ms: undefined,
  };
  const round: RoundReport = {
    load,
    feed: undefined,
    generatorCpuUsPerMessage: 1,
    cpuUsPerMessage: undefined,
    peakRssBytes: undefined,
    records: 12,
    voidBecause: [],
  };
  const summary = summaryOf({
    options: BENCH_DEFAULTS,
    kafka: 'as given',
    cores: 1,
    loadAverage: 0,
    rounds: [round, { ...round, records: undefined }],
  });
  t.equal(summary.messagesPerSecond?.median, 5);
  t.notOk('duplicates' in summary);
  t.notOk('cpuUsPerMessage' in summary);
});
