import t from 'tap';
import { ALL_FAULTS, chooseFaults, possibleFaults } from '../chaos/faults/all.js';
import { type RoundOptions, type RoundResult, runRound } from '../chaos/round.js';
import {
  type ChaosServers,
  dropsOf,
  startChaosMosquitto,
  startChaosServers,
  startMeasuredLine,
} from '../chaos/servers.js';

/* The short form of `npm run chaos` (test/chaos/README.md), and that it can fail. */

const EARLY_PUBACK = new URL('../chaos/mutation/early-puback-main.js', import.meta.url);
const seed = Number(process.env.MILLRACE_SEED ?? Date.now()) >>> 0;
const servers = await startChaosServers();
t.teardown(() => servers.stop());

function run(
  with_: ChaosServers,
  seconds: number,
  options: Partial<RoundOptions>,
): Promise<RoundResult> {
  return runRound(with_, {
    ...{ seed, acks: 'all', messagesPerSecond: 1000, connector: {}, runMs: seconds * 1000 },
    faults: possibleFaults(with_.disk !== undefined),
    say: (text) => t.comment(text),
    ...options,
  });
}

t.test('everything goes wrong, and nothing is lost or out of order', async (t) => {
  const result = await run(servers, 75, {});
  t.equal(result.outcome, 'clean', `MILLRACE_SEED=${seed} or npm run chaos -- --seed ${seed}`);
  t.strictSame(result.broken, [], result.connectorLog);
  t.ok(result.faults.length >= 8, `${result.faults.length} faults`);
  t.ok((result.verdict?.acknowledged ?? 0) > 10_000);
});

t.test('acknowledging before the delivery report is found out', async (t) => {
  const result = await run(servers, 30, {
    faults: chooseFaults(ALL_FAULTS, ['process-kill', 'kafka-line-stall']),
    preload: [EARLY_PUBACK],
  });
  t.equal(result.outcome, 'broken', `MILLRACE_SEED=${seed}`);
  t.ok((result.verdict?.lost ?? 0) > 0, JSON.stringify(result.verdict));
  t.match(result.broken, [/acknowledged message\(s\) lost/]);
});

t.test('a queue limit that the MQTT broker reached makes a run void', async (t) => {
  const broker = await startChaosMosquitto(['max_queued_messages 20']);
  const measured = await startMeasuredLine(broker);
  t.teardown(() => Promise.all([broker.stop(), measured.mqttLine.close()]));
  const limited = { ...servers, broker, ...measured, dropped: () => dropsOf(broker) };
  const result = await run(limited, 20, { faults: chooseFaults(ALL_FAULTS, ['mqtt-line-away']) });
  t.equal(result.outcome, 'void');
});
