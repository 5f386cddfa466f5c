import t from 'tap';
import type { Session } from '../../../../src/demo/broker/session/session.js';
import {
  type Subscription,
  SubscriptionIndex,
} from '../../../../src/demo/broker/topic/subscription-index.js';
import { matchesTopic, parseTopicFilter } from '../../../../src/demo/broker/topic/topic-filter.js';

function subscription(session: Session, text: string): Subscription {
  const filter = parseTopicFilter(text);
  if (filter === undefined) throw new Error(`${text} is not a topic filter`);
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const;
  return { session, text, filter, ...options, encodedIdentifier: Buffer.alloc(0) };
}

/** The index compares sessions by identity only. */
function fakeSession(clientId: string): Session {
  return { clientId } as Session;
}

/** Deterministic: a failure shows the same numbers again. */
function createRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % bound;
  };
}

t.test('random subscriptions match what a naive search finds, through any change', async (t) => {
  const random = createRandom(7);
  const level = () => ['a', 'b', '', '$x'][random(4)] ?? '';
  const filterText = () => {
    const levels = Array.from({ length: 1 + random(3) }, () => (random(3) === 0 ? '+' : level()));
    if (random(4) === 0) levels.push('#');
    const text = levels.join('/') || 'a';
    return random(4) === 0 ? `$share/g${random(2)}/${text}` : text;
  };
  const index = new SubscriptionIndex();
  const sessions = Array.from({ length: 4 }, (_, number) => fakeSession(`c${number}`));
  const present = new Map<string, Subscription>();
  for (let step = 0; step < 3_000; step += 1) {
    const session = sessions[random(4)] ?? fakeSession('none');
    const each = subscription(session, filterText());
    const key = `${session.clientId} ${each.text}`;
    const old = present.get(key);
    if (old !== undefined && random(2) === 0) {
      index.remove(old);
      present.delete(key);
    } else {
      index.add(each);
      present.set(key, each);
    }
    const topic = Array.from({ length: 1 + random(3) }, level).join('/') || 'a';
    const found = index.match(topic);
    const flat = [
      ...found.bySession.values(),
      ...found.groups.map((group) => group.members),
    ].flat();
    const expected = [...present.values()].filter((other) =>
      matchesTopic(other.filter, topic.split('/')),
    );
    const same = flat.length === expected.length && expected.every((other) => flat.includes(other));
    if (!same) t.fail(`step ${step}: ${topic} matched ${flat.map((other) => other.text)}`);
  }
  for (const each of present.values()) index.remove(each);
  t.equal(index.match('a').bySession.size, 0, 'nothing is left when all are removed');
});

t.test('a member of a share that subscribes again keeps its place', async (t) => {
  const index = new SubscriptionIndex();
  const [one, two] = [fakeSession('one'), fakeSession('two')];
  index.add(subscription(one, '$share/g/a'));
  index.add(subscription(two, '$share/g/a'));
  const again = subscription(one, '$share/g/a');
  index.add(again);
  t.strictSame(
    index.match('a').groups.map(({ members }) => members.map(({ session }) => session.clientId)),
    [['one', 'two']],
  );
  t.equal(index.match('a').groups[0]?.members[0], again);
});
