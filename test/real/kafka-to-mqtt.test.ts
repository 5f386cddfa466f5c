import t, { type Test } from 'tap';
import { Random } from '../support/random.js';
import { type Servers, startServers } from '../support/real/bridge.js';
import {
  type Commit,
  commitsThatFall,
  committedAt,
  readCommits,
} from '../support/real/committed-offsets.js';
import { type Course, FaultRun } from '../support/real/fault-run.js';
import type { Kafka } from '../support/real/kafka.js';
import { startProxy } from '../support/real/proxy.js';
import { until } from '../support/until.js';

/* Records on their way from Kafka to MQTT while connectors are killed, connections cut, a broker of Kafka
 * restarts and the group is shared out anew. Nothing is lost, each partition keeps its order, and what
 * comes twice is what was under way, or acknowledged since the last commit.
 *
 * The latency makes that much is under way at every moment: with an offset that is committed before its
 * PUBACK, most kills would lose something. */

const KILLS = 10;
const CUTS = 5;
/** What mosquitto tells the connector. */
const RECEIVE_MAXIMUM = 500;
const COMMIT_INTERVAL_MS = 100;
const PARTITIONS = 8;
const MIB = 1024 * 1024;

const seed = Number(process.env.MILLRACE_SEED ?? Date.now() % 1_000_000);
t.comment(`MILLRACE_SEED=${seed}`);
const servers: Promise<Servers> = startAll();

/** For both tests: their topics, groups and sessions differ. */
async function startAll(): Promise<Servers> {
  const servers = await startServers(
    t,
    // A broker that is killed is missed at once, not after 9 s.
    { brokers: 3, maxMessage: '4M', settings: { 'broker.session.timeout.ms': '3000' } },
    { settings: [`max_inflight_messages ${RECEIVE_MAXIMUM}`] },
  );
  return servers;
}

/** Kafka's own tool says that the group has read everything. */
async function lagIsZero(kafka: Kafka, group: string): Promise<void> {
  let said = '';
  const row = new RegExp(`^${group}\\s+${group}\\s+\\d+\\s+(\\S+)\\s+(\\S+)\\s+0\\s`, 'gm');
  await until(
    `the lag of ${group} is zero`,
    async () => {
      const args = ['--bootstrap-server', kafka.bootstrap, '--describe', '--group', group];
      said = await kafka.tool('consumer.group.ConsumerGroupCommand', args);
      return [...said.matchAll(row)].length === PARTITIONS;
    },
    { deadlineMs: 30_000, detail: () => said },
  );
}

/**
 * No partition steps back further than to what Kafka had been told when the last fault happened: what
 * comes again was under way by then, or acknowledged since the last commit.
 */
function checkRepeats(t: Test, { log, faults }: FaultRun, commits: readonly Commit[]): void {
  // Summed up: a fault may come while what an earlier one made come again is still coming.
  let soFar = 0;
  let soFarAtMost = 0;
  faults.forEach(({ name, timeMs }, fault) => {
    const committed = committedAt(commits, PARTITIONS, timeMs);
    const steps = log.stepsBack.filter(({ marks }) => marks === fault + 1);
    const repeats = steps.reduce((sum, step) => sum + step.repeats, 0);
    const atMost = steps.reduce((sum, { partition, from }) => {
      return sum + from - (committed[partition] as number);
    }, 0);
    soFar += repeats;
    soFarAtMost += atMost;
    t.ok(soFar <= soFarAtMost, `${name}: ${repeats} came again, of at most ${atMost}`);
    for (const { partition, from, to } of steps) {
      t.comment(`${name}: partition ${partition} steps back from ${from} to ${to}`);
      const known = committed[partition] as number;
      if (to < known) t.fail(`${partition}/${to} came again, when ${known} was committed`);
    }
  });
  t.comment(`${log.repeats} came again`);
}

interface Proof extends Course {
  /** How long a packet is under way: with what may be in flight it says how fast the records flow. */
  readonly latencyMs: number;
}

async function prove(t: Test, course: Proof): Promise<void> {
  const { latencyMs } = course;
  const { kafka, mosquitto } = await servers;
  const proxy = await startProxy(mosquitto, { latencyMs });
  t.teardown(() => proxy.close());
  await kafka.createTopic(course.topic, PARTITIONS, { replication: 3 });
  const run = new FaultRun({
    course,
    servers: await servers,
    proxy,
    random: new Random(seed),
    say: (text) => t.comment(text),
  });
  await run.complete(t, { kills: KILLS, cuts: CUTS });
  const { log } = run;
  for (let partition = 0; partition < PARTITIONS; partition++) {
    const missing = log.missing(partition);
    t.equal(missing.length, 0, `of partition ${partition} are missing: ${missing.slice(0, 5)}`);
  }
  t.equal(log.disordered, 0, 'each partition is in order, by what came first');
  t.same(run.wrong, [], 'every payload is as it was');
  await lagIsZero(kafka, course.topic);
  const commits = await readCommits(kafka.bootstrap, course.topic, course.topic);
  t.same(commitsThatFall(commits).slice(0, 5), [], 'no commit falls behind an earlier one');
  checkRepeats(t, run, commits);
  if (!t.passing()) for (const text of run.connectorLogs) t.comment(text);
}

t.test('200,000 records survive kills, cuts, a restart of Kafka and a rebalance', async (t) => {
  const padding = 'x'.repeat(100);
  await prove(t, {
    topic: 'small',
    partitions: PARTITIONS,
    each: 25_000,
    payloadOf: (partition, offset) => Buffer.from(`${offset} ${partition} ${padding}`),
    offsetOf: (value) => Number.parseInt(value.toString('latin1', 0, 10), 10),
    commitIntervalMs: COMMIT_INTERVAL_MS,
    latencyMs: 50,
  });
});

t.test('504 records of 2 MiB do so too', async (t) => {
  const digits = 10;
  const text = Buffer.from(new Random(seed).bytes(MIB).toString('hex'));
  await prove(t, {
    topic: 'large',
    partitions: PARTITIONS,
    each: 63,
    payloadOf: (partition, offset) => {
      const turn = (offset * PARTITIONS + partition) * 1000 + digits;
      const number = Buffer.from(`${offset}`.padStart(digits, '0'));
      return Buffer.concat([number, text.subarray(turn), text.subarray(digits, turn)]);
    },
    offsetOf: (value) => Number(value.toString('latin1', 0, digits)),
    commitIntervalMs: COMMIT_INTERVAL_MS,
    // 15 are in flight at most: what the route's large ring has room for.
    latencyMs: 400,
  });
});
