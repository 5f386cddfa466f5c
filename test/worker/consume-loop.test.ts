import t from 'tap';
import type { FromWorker, PartitionOffset } from '../../src/channel/protocol.js';
import { CONSUMER_BLOCKED, CONSUMER_MORE } from '../../src/kafka/addon.js';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { ConsumeLoop } from '../../src/worker/consume-loop.js';
import { FakeConsumer } from '../support/fake-consumer.js';
import { plainKafka } from '../support/kafka-access.js';
import { ManualClock } from '../support/manual-clock.js';

const FENCED = 82;
const TOPIC_AUTHORIZATION_FAILED = 29;
const TRANSPORT = -195;
const SSL = -181;
const NOT_COORDINATOR = 16;
const ILLEGAL_GENERATION = 22;

function setUp() {
  const clock = new ManualClock();
  const consumers: FakeConsumer[] = [];
  const posted: FromWorker[] = [];
  const statistics: (string | undefined)[] = [];
  let wakes = 0;
  const loop = new ConsumeLoop({
    kafka: plainKafka('127.0.0.1:1'),
    onFault: () => {},
    routeIndex: 3,
    open: () => {
      const consumer = new FakeConsumer();
      consumers.push(consumer);
      return consumer;
    },
    clock,
    post: (message) => posted.push(message),
    errorName: (code) => `E${code}`,
    onStatistics: (json) => statistics.push(json),
    wake: () => wakes++,
  });
  return {
    clock,
    consumers,
    statistics,
    loop,
    /** The one that is open. */
    get native() {
      return consumers.at(-1) as FakeConsumer;
    },
    get wakes() {
      return wakes;
    },
    /** What was posted since the last time. */
    posted: () => posted.splice(0),
    commit: (...offsets: PartitionOffset[]) => loop.onCommit({ routeIndex: 3, offsets }),
    released: (revocation: number, ...offsets: PartitionOffset[]) =>
      loop.onReleased({ kind: 'released', routeIndex: 3, revocation, offsets }),
  };
}

type SetUp = ReturnType<typeof setUp>;

/** With partitions 0, 1 and 2. */
function assigned(): SetUp {
  const all = setUp();
  all.native.assigned(0, 1, 2);
  all.loop.turn();
  all.native.takeCalls();
  all.posted();
  return all;
}

const at = (partition: number, offset: number): PartitionOffset => ({ partition, offset });

t.test('an assignment is answered at once, and main is told', async (t) => {
  const { loop, native, posted } = setUp();
  native.assigned(0, 2);
  loop.turn();
  t.same(native.takeCalls(), ['assign 0,2']);
  t.same(posted(), [{ kind: 'assigned', routeIndex: 3, partitions: [0, 2] }]);
});

t.test('partitions are given up once main has released them and that is committed', async (t) => {
  const { loop, native, posted, released } = assigned();
  native.revoked(0, 1);
  loop.turn();
  t.same(native.takeCalls(), ['drop 0,1'], 'nothing of them comes any more, and they are kept');
  t.match(posted(), [{ kind: 'revoking', revocation: 1, partitions: [0, 1], lost: false }]);
  released(1, at(0, 17));
  t.same(native.takeCalls(), ['commit 0:17']);
  native.committed();
  loop.turn();
  t.same(native.takeCalls(), ['unassign 0,1']);
});

t.test('partitions of which nothing is to be committed are given up at once', async (t) => {
  const { loop, native, released } = assigned();
  native.revoked(2);
  loop.turn();
  native.takeCalls();
  released(1);
  t.same(native.takeCalls(), ['unassign 2']);
  released(1);
  t.same(native.takeCalls(), [], 'and once');
});

t.test('a commit that Kafka refuses or does not answer keeps no partition', async (t) => {
  const { loop, native, posted, released, clock } = assigned();
  native.revoked(0);
  native.revoked(1);
  loop.turn();
  native.takeCalls();
  released(1, at(0, 5));
  released(2, at(1, 6));
  native.committed(ILLEGAL_GENERATION);
  loop.turn();
  t.same(native.takeCalls(), ['commit 0:5', 'commit 1:6', 'unassign 0']);
  clock.advance(4_999);
  t.same(native.takeCalls(), []);
  clock.advance(1);
  t.same(native.takeCalls(), ['unassign 1'], 'after 5 s without it');
  t.same(
    posted().flatMap((message) => (message.kind === 'log' ? [message.text] : [])),
    [
      'partitions 0 are given up without their last commit: E22',
      'partitions 1 are given up without their last commit: E-185',
    ],
  );
  native.committed();
  loop.turn();
  t.same(native.takeCalls(), [], 'an answer that comes too late is nobody’s');
});

t.test('the last commit of a partition is tried again where that may help', async (t) => {
  const { loop, native, released, clock } = assigned();
  native.revoked(0);
  loop.turn();
  native.takeCalls();
  released(1, at(0, 5));
  native.committed(NOT_COORDINATOR);
  loop.turn();
  t.same(native.takeCalls(), ['commit 0:5']);
  clock.advance(250);
  t.same(native.takeCalls(), ['commit 0:5'], 'the coordinator may be found by now');
  native.committed();
  loop.turn();
  t.same(native.takeCalls(), ['unassign 0']);
});

t.test('lost partitions are given up at once, and nothing of them is committed', async (t) => {
  const { loop, native, posted, released, commit } = assigned();
  native.lost(0, 1);
  loop.turn();
  t.same(native.takeCalls(), ['drop 0,1', 'unassign 0,1']);
  t.match(posted(), [{ kind: 'revoking', partitions: [0, 1], lost: true }]);
  released(1, at(0, 9));
  commit(at(1, 8), at(2, 7));
  t.same(native.takeCalls(), ['commit 2:7']);
});

t.test('a partition that was lost is taken again once main knows of the loss', async (t) => {
  const { loop, native, posted, released } = assigned();
  native.lost(0, 1, 2);
  native.assigned(0, 1);
  loop.turn();
  t.same(native.takeCalls(), ['drop 0,1,2', 'unassign 0,1,2']);
  t.match(posted(), [{ kind: 'revoking', lost: true }]);
  released(1);
  t.same(native.takeCalls(), ['assign 0,1'], 'its records come behind what main discards');
  t.match(posted(), [{ kind: 'assigned', partitions: [0, 1] }]);
});

t.test('only offsets of partitions that it has are committed, and main is told how', async (t) => {
  const { loop, native, commit, posted } = assigned();
  commit(at(0, 10), at(7, 10), at(2, 3));
  t.same(native.takeCalls(), ['commit 0:10,2:3']);
  t.same(posted(), []);
  native.committed();
  loop.turn();
  t.same(posted(), [{ kind: 'committed', routeIndex: 3, code: undefined }]);
  commit(at(0, 11));
  native.committed(ILLEGAL_GENERATION);
  loop.turn();
  t.same(posted(), [{ kind: 'committed', routeIndex: 3, code: 'E22' }]);
  commit(at(7, 11));
  t.same(posted(), [{ kind: 'committed', routeIndex: 3, code: undefined }], 'nothing of ours');
});

t.test('a commit that is not answered counts as failed after 5 s, and once', async (t) => {
  const { loop, native, commit, posted, clock } = assigned();
  commit(at(0, 10));
  clock.advance(5_000);
  t.match(posted(), [{ kind: 'committed', code: 'E-185' }]);
  native.committed();
  loop.turn();
  t.same(posted(), []);
});

t.test('without room for 10 s partitions are paused, and resumed with room', async (t) => {
  const { loop, native, clock } = assigned();
  native.flags = CONSUMER_BLOCKED;
  loop.turn();
  for (let second = 1; second < 10; second++) {
    clock.advance(1_000);
    loop.onTick();
  }
  t.same(native.takeCalls(), [], 'a pause throws away what was fetched');
  clock.advance(1_000);
  loop.onTick();
  loop.onTick();
  t.same(native.takeCalls(), ['pause'], 'once');
  native.flags = 0;
  loop.turn();
  loop.turn();
  t.same(native.takeCalls(), ['resume'], 'once');
});

t.test('room in between starts the ten seconds anew', async (t) => {
  const { loop, native, clock } = assigned();
  native.flags = CONSUMER_BLOCKED;
  loop.turn();
  clock.advance(9_000);
  native.flags = 0;
  loop.onTick();
  native.flags = CONSUMER_BLOCKED;
  loop.turn();
  clock.advance(9_000);
  loop.onTick();
  t.same(native.takeCalls(), []);
});

t.test('a turn that has more to do asks for another', async (t) => {
  const all = assigned();
  const before = all.wakes;
  all.native.flags = CONSUMER_MORE;
  all.loop.turn();
  t.equal(all.wakes, before + 1);
  all.native.flags = 0;
  all.loop.turn();
  t.equal(all.wakes, before + 1);
});

t.test('an error that librdkafka mends itself is nobody’s trouble', async (t) => {
  const { loop, native, posted } = assigned();
  native.error(TRANSPORT);
  loop.turn();
  t.match(posted(), [{ kind: 'log', level: 'debug' }]);
});

t.test('an error for somebody to mend is told, and its end with the next assignment', async (t) => {
  const { loop, native, posted } = assigned();
  native.error(TOPIC_AUTHORIZATION_FAILED, false, 'not allowed');
  loop.turn();
  t.match(posted(), [
    { kind: 'consumer', code: 'E29', detail: 'not allowed', stopped: false, routeIndex: 3 },
  ]);
  t.notOk(native.destroyed);
  native.assigned(4);
  loop.turn();
  t.match(posted(), [{ kind: 'assigned' }, { kind: 'consumer', code: undefined }]);
});

t.test(
  'what keeps it from Kafka is told in our words, and its end once it is connected',
  async (t) => {
    const { loop, native, posted } = assigned();
    const up = (state: string) =>
      native.statistics(`{"brokers":{"a":{"nodeid":1,"state":"${state}"}}}`);
    native.log(
      'SSLCERTVRFY: [thrd:a]: ssl://a:1/1: Certificate (subject=/CN=a, issuer=/CN=c) verification callback failed: x509 error 10',
    );
    native.error(SSL, false, 'ssl://a:1/1: SSL handshake failed: certificate verify failed');
    up('TRY_CONNECT');
    loop.turn();
    t.match(posted(), [
      { kind: 'log' },
      {
        kind: 'consumer',
        code: 'E-181',
        detail: 'the certificate of a:1 has expired: renew it at Kafka',
      },
    ]);
    up('UP');
    up('UP');
    loop.turn();
    t.match(posted(), [{ kind: 'consumer', code: undefined }]);
    native.error(TOPIC_AUTHORIZATION_FAILED, false, 'not allowed');
    up('UP');
    loop.turn();
    t.match(
      posted(),
      [{ kind: 'consumer', detail: 'not allowed' }],
      'being connected mends no other',
    );
  },
);

t.test('after a fatal error everything is lost, and another consumer is opened', async (t) => {
  const all = assigned();
  const { loop, native, posted, clock, consumers, commit, statistics } = all;
  commit(at(0, 1));
  native.error(ILLEGAL_GENERATION, true);
  loop.turn();
  t.ok(native.destroyed);
  t.match(posted(), [
    { kind: 'committed', code: 'E-185' },
    { kind: 'revoking', partitions: [0, 1, 2], lost: true },
    { kind: 'consumer', code: 'E22', stopped: false },
  ]);
  t.same(statistics, [undefined]);
  loop.turn();
  loop.onTick();
  commit(at(0, 2));
  t.match(posted(), [{ kind: 'committed', code: undefined }], 'there is nothing to commit to');
  clock.advance(60_000);
  t.equal(consumers.length, 2);
  all.released(1);
  all.native.assigned(1);
  loop.turn();
  t.same(all.native.takeCalls(), ['assign 1']);
  t.match(posted(), [{ kind: 'assigned' }, { kind: 'consumer', code: undefined }]);
});

t.test('consumers that fail at once are opened ever less often', async (t) => {
  const all = setUp();
  let openedMs = 0;
  const waits: number[] = [];
  for (let round = 0; round < 8; round++) {
    openedMs = all.clock.monotonicMs();
    const { length } = all.consumers;
    all.native.error(-1, true);
    all.loop.turn();
    while (all.consumers.length === length) all.clock.advance(1_000);
    waits.push(all.clock.monotonicMs() - openedMs);
  }
  t.same(waits, [2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000]);
});

t.test('a member that another process has fenced stops for good, and says so last', async (t) => {
  const { loop, native, posted, clock, consumers } = assigned();
  native.error(FENCED, true);
  loop.turn();
  t.match(
    posted(),
    [
      { kind: 'revoking', lost: true },
      { kind: 'consumer', code: 'E82', stopped: true },
    ],
    'main reads no record any more that would tell it that all is well',
  );
  clock.advance(600_000);
  loop.turn();
  t.equal(consumers.length, 1);
  await loop.close([at(0, 1)]);
});

/** Begins to replace the consumer; tells whether that has ended. */
function renew({ loop }: SetUp): () => Promise<boolean> {
  let ended = false;
  void loop.renew().then(() => {
    ended = true;
  });
  loop.turn();
  return async () => {
    await new Promise((resolve) => setImmediate(resolve));
    return ended;
  };
}

t.test('a consumer is replaced once what main says is settled is committed', async (t) => {
  const all = assigned();
  const { loop, native, posted, released, consumers, statistics } = all;
  const ended = renew(all);
  t.same(native.takeCalls(), ['drop 0,1,2'], 'nothing comes any more');
  t.match(posted(), [{ kind: 'revoking', revocation: 1, partitions: [0, 1, 2], lost: false }]);
  native.assigned(3);
  native.revoked(1);
  loop.turn();
  t.same(native.takeCalls(), [], 'librdkafka waits, and so does the group');
  t.same(posted(), []);
  released(1, at(0, 5), at(2, 7));
  loop.turn();
  t.same(native.takeCalls(), ['commit 0:5,2:7']);
  t.notOk(await ended());
  native.committed();
  loop.turn();
  t.equal(consumers.length, 1);
  loop.turn();
  t.same(native.takeCalls(), ['destroy'], 'without leaving the group');
  t.ok(await ended());
  t.equal(consumers.length, 2);
  t.same(statistics, [], 'its connection is not told to be lost');
  all.native.assigned(0, 1, 2);
  loop.turn();
  t.same(all.native.takeCalls(), ['assign 0,1,2'], 'main knows of nothing else');
  t.match(posted(), [{ kind: 'assigned', partitions: [0, 1, 2] }]);
});

t.test('a consumer without partitions is replaced at once', async (t) => {
  const all = setUp();
  const ended = renew(all);
  t.ok(await ended());
  t.equal(all.consumers.length, 2);
  t.same(all.posted(), []);
});

t.test('a consumer that is replaced waits for what main was asked before', async (t) => {
  const all = assigned();
  const { loop, native, posted, released, commit } = all;
  native.revoked(0);
  loop.turn();
  commit(at(1, 3));
  native.takeCalls();
  posted();
  const ended = renew(all);
  t.match(posted(), [{ kind: 'revoking', revocation: 2, partitions: [1, 2], lost: false }]);
  released(2);
  released(1);
  loop.turn();
  loop.turn();
  t.notOk(await ended(), 'the commit is under way');
  native.committed();
  loop.turn();
  loop.turn();
  t.ok(await ended());
  t.match(posted(), [{ kind: 'committed', code: undefined }]);
});

t.test('partitions that are lost meanwhile are told, and nothing of them committed', async (t) => {
  const all = assigned();
  const { loop, native, posted, released } = all;
  const ended = renew(all);
  posted();
  native.lost(0, 1, 2);
  loop.turn();
  t.match(posted(), [{ kind: 'revoking', revocation: 2, partitions: [0, 1, 2], lost: true }]);
  native.takeCalls();
  released(1, at(0, 5));
  t.same(native.takeCalls(), []);
  loop.turn();
  t.ok(await ended());
  const { native: next } = all;
  next.assigned(0);
  loop.turn();
  t.same(next.takeCalls(), [], 'main is to discard what it has of them first');
  released(2);
  t.same(next.takeCalls(), ['assign 0']);
});

t.test('one that fails, has stopped or closes is not replaced twice', async (t) => {
  const failing = assigned();
  const failed = renew(failing);
  failing.native.error(TOPIC_AUTHORIZATION_FAILED, true);
  failing.loop.turn();
  t.ok(await failed());
  failing.released(1, at(0, 5));
  failing.loop.turn();
  t.equal(failing.consumers.length, 1);
  const again = renew(failing);
  t.ok(await again());
  failing.clock.advance(2_000);
  t.equal(failing.consumers.length, 2, 'after its backoff');
  const closing = assigned();
  const ended = renew(closing);
  const closed = closing.loop.close([]);
  t.ok(await ended());
  closing.loop.turn();
  await closed;
  t.equal(closing.consumers.length, 1);
});

t.test('a login or a token is set on the consumer that there is', async (t) => {
  const { loop, native, clock, consumers } = assigned();
  loop.logIn(seal<KafkaCredentials>({ login: { username: 'u', password: 'p' } }));
  t.same(native.takeCalls(), ['login u p']);
  native.error(TOPIC_AUTHORIZATION_FAILED, true);
  loop.turn();
  t.equal(
    loop.logIn(seal<KafkaCredentials>({ login: { username: 'u', password: 'p' } })),
    undefined,
  );
  clock.advance(2_000);
  t.same(consumers.at(-1)?.takeCalls(), []);
});

t.test('a close commits, leaves the group, and destroys', async (t) => {
  const { loop, native } = assigned();
  const closed = loop.close([at(0, 4), at(5, 1)]);
  t.same(native.takeCalls(), ['commit 0:4']);
  native.committed();
  loop.turn();
  await turns();
  loop.turn();
  await closed;
  t.same(native.takeCalls(), ['close', 'destroy']);
  loop.turn();
  loop.onTick();
});

t.test('a close takes 10 s at most, whatever Kafka does', async (t) => {
  const { loop, native, clock } = assigned();
  native.closesAtOnce = false;
  const closed = loop.close([at(0, 4)]);
  clock.advance(5_000);
  await turns();
  t.same(native.takeCalls(), ['commit 0:4', 'close']);
  clock.advance(5_000);
  await closed;
  t.same(native.takeCalls(), ['destroy']);
});

t.test('a close gives up what waits for main, and what is revoked meanwhile', async (t) => {
  const { loop, native } = assigned();
  native.revoked(1);
  loop.turn();
  native.closesAtOnce = false;
  native.takeCalls();
  const closed = loop.close([]);
  await turns();
  t.same(native.takeCalls(), ['unassign 1', 'close']);
  native.revoked(0, 2);
  native.closed();
  loop.turn();
  await closed;
  t.same(native.takeCalls(), ['drop 0,2', 'unassign 0,2', 'destroy']);
});

t.test('a close between two consumers opens no other one', async (t) => {
  const { loop, native, consumers, clock } = assigned();
  native.error(-1, true);
  loop.turn();
  await loop.close([at(0, 1)]);
  clock.advance(600_000);
  t.equal(consumers.length, 1);
});

t.test('a fatal error while it closes ends the close, and opens no other one', async (t) => {
  for (const when of ['while it commits', 'while it leaves']) {
    const { loop, native, consumers, clock } = assigned();
    native.closesAtOnce = false;
    const closed = loop.close(when === 'while it commits' ? [at(0, 4)] : []);
    await turns();
    native.error(-1, true);
    loop.turn();
    await closed;
    t.ok(native.destroyed, when);
    clock.advance(600_000);
    t.equal(consumers.length, 1, when);
  }
});

/** Lets promises that are resolved go on. */
async function turns(): Promise<void> {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}
