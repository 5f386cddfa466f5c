import t from 'tap';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { assigned, at, type SetUp, setUp } from '../support/consume-loop.js';

const TOPIC_AUTHORIZATION_FAILED = 29;

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
