import t from 'tap';
import { type Clock, systemClock } from '../../src/base/clock.js';
import type { CredentialsInUse } from '../../src/channel/protocol.js';
import { ABANDONED, DELIVERED } from '../../src/channel/settlement-ring.js';
import { addon } from '../../src/kafka/addon.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { CredentialsChange } from '../../src/worker/credentials-change.js';
import { readRecords } from '../support/kafka-records.js';
import { MockWorker } from '../support/mock-worker.js';
import { until } from '../support/until.js';

/* Producers that are replaced while records flow, by the real addon on librdkafka's mock cluster. Over a
 * plain connection another CA changes nothing, and replaces them all the same. */

const KEYS = 7;
const PARTITIONS = 3;
/** What is written at once: some 10,000 records a second. */
const PORTION = 200;
const ROUND_TRIP_MS = 20;

class LiveWorker {
  readonly worker: MockWorker;
  readonly #change: CredentialsChange;
  #generations = 0;

  constructor(t: Tap, bootstrapServers: string, clock: Clock = systemClock) {
    this.worker = new MockWorker(bootstrapServers, { clock });
    t.teardown(() => this.worker.close());
    this.#change = new CredentialsChange({
      task: this.worker.task,
      produceLoop: this.worker.loop,
      consumeLoops: { logIn: () => undefined, renew: () => Promise.resolve() },
      clock: systemClock,
      post: (message) => this.worker.posted.push(message),
      hide: () => {},
    });
  }

  /** Changes them; resolves when they are in use. */
  async changed(caPem: string): Promise<CredentialsInUse> {
    const generation = ++this.#generations;
    const kafkaCredentials = seal<KafkaCredentials>({ caPem });
    this.#change.onMessage({ kind: 'credentials', generation, kafkaCredentials });
    const answer = () =>
      this.worker.posted.find(
        (message): message is CredentialsInUse =>
          message.kind === 'credentialsInUse' && message.generation === generation,
      );
    await until('the credentials are in use', () => answer() !== undefined, {
      detail: () => this.worker.posted,
    });
    return answer() as CredentialsInUse;
  }
}
type Tap = { teardown(callback: () => void): void };

const keyed = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => ({
    deliveryId: from + i,
    key: `key-${(from + i) % KEYS}`,
    payload: String(from + i),
  }));

function startCluster(t: Tap, topic: string) {
  const cluster = new addon.MockCluster(1);
  cluster.createTopic(topic, PARTITIONS);
  t.teardown(() => cluster.close());
  return cluster;
}

for (const idempotent of [true, false]) {
  const acks = idempotent ? 'acks all' : 'acks one';

  t.test(`records of each key keep their order over replaced producers, ${acks}`, async (t) => {
    const cluster = startCluster(t, 'flow');
    cluster.setRoundTripMs(1, ROUND_TRIP_MS);
    const live = new LiveWorker(t, cluster.bootstrapServers);
    const { worker } = live;
    worker.open('flow', idempotent ? {} : { idempotent, requestsInFlightMax: 1 });
    let written = 0;
    let flowing = true;
    const writer = (async () => {
      while (flowing) {
        await worker.write(keyed(written, PORTION));
        written += PORTION;
        // Some are under way at any moment; how fast they go, the answers of Kafka say.
        while (worker.settled.size < written - PORTION) await worker.nextEnd();
      }
    })();
    for (let round = 1; round <= 4; round++) {
      t.match(await live.changed(`ca-${round}`), { abandonedRecords: 0, timedOut: false });
    }
    flowing = false;
    await writer;
    await worker.ended(written);
    t.ok(written > 1000, `${written} records`);
    t.ok([...worker.settled.values()].every((settlement) => settlement === DELIVERED));
    cluster.setRoundTripMs(1, 0);
    const records = await readRecords(cluster.bootstrapServers, 'flow');
    t.equal(records.length, written, 'each is there once');
    const last = new Map<string, number>();
    const disorder = records.filter(({ key, value }) => {
      const before = last.get(`${key}`) ?? -1;
      last.set(`${key}`, Number(value));
      return Number(value) < before;
    });
    t.same(disorder, []);
    t.equal(last.size, KEYS);
  });
}

t.test('what is in flight for too long is left to its sender, and all else goes on', async (t) => {
  let laterMs = 0;
  const clock: Clock = {
    ...systemClock,
    monotonicMs: () => systemClock.monotonicMs() + laterMs,
  };
  const cluster = startCluster(t, 'late');
  const { worker } = new LiveWorker(t, cluster.bootstrapServers, clock);
  worker.open('late');
  await worker.write(keyed(0, 10));
  await worker.ended(10);
  cluster.setRoundTripMs(1, 4_000);
  await worker.write(keyed(10, 10));
  worker.loop.turn();
  const renewing = worker.loop.renew();
  await worker.write(keyed(20, 10));
  laterMs = 31_000;
  const { abandonedRecords, timedOut } = await renewing;
  t.ok(timedOut);
  cluster.setRoundTripMs(1, 0);
  await worker.ended(30);
  const abandoned = [...worker.settled].filter(([, how]) => how === ABANDONED).map(([id]) => id);
  t.equal(abandonedRecords, abandoned.length);
  t.same(
    abandoned.sort((a, b) => a - b),
    keyed(10, 20).map(({ deliveryId }) => deliveryId),
  );
  t.ok(worker.posted.some(({ kind }) => kind === 'producerLost'));
  await worker.write(keyed(30, 10));
  await worker.ended(40);
  t.ok(keyed(30, 10).every(({ deliveryId }) => worker.settled.get(deliveryId) === DELIVERED));
});
