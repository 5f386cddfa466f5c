import t from 'tap';
import { assigned, at, setUp } from '../support/consume-loop.js';

const FENCED = 82;
const TOPIC_AUTHORIZATION_FAILED = 29;
const TRANSPORT = -195;
const SSL = -181;
const ILLEGAL_GENERATION = 22;

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

t.test(
  'a request that nobody answers is told, and its end once there is none any more',
  async (t) => {
    const { loop, native, posted, clock } = assigned();
    const unanswered = () => {
      native.log(
        'REQTMOUT: [thrd:a:1/1]: a:1/1: Timed out FetchRequest in flight (after 30012ms, timeout #0)',
      );
      loop.turn();
      return posted();
    };
    const told = [
      { kind: 'log', level: 'debug' },
      {
        kind: 'consumer',
        code: 'E-185',
        detail: 'a:1 has not answered a request (Fetch)',
        stopped: false,
      },
    ];
    t.match(unanswered(), told);
    // It is connected again at once, and as little answered.
    native.statistics('{"brokers":{"a":{"nodeid":1,"state":"UP"}}}');
    loop.onTick();
    clock.advance(30_000);
    loop.onTick();
    t.strictSame(posted(), []);
    t.match(unanswered(), told);
    clock.advance(74_000);
    loop.onTick();
    t.strictSame(posted(), []);
    clock.advance(1_000);
    loop.onTick();
    t.match(posted(), [{ kind: 'consumer', code: undefined }]);
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
