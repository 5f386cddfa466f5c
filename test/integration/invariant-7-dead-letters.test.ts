import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { type Embedded, numbers, startEmbedded } from '../support/embedded.js';
import { until } from '../support/until.js';

const PRODUCE = 0;
const MESSAGE_TOO_LARGE = 10;
const TOPIC_AUTHORIZATION_FAILED = 29;
const INVALID_RECORD = 87;
const NO_ERROR = 0;
const IMPLEMENTATION_SPECIFIC_ERROR = 0x83;
const LETTERS_MAX = 10_000;

function letters(bridge: Embedded): string[] {
  return readdirSync(bridge.deadLetters).filter((name) => name.endsWith('.letter'));
}

/** How many letters were on the disk when each PUBACK of 0x80 or above came. */
function watchRefusals(bridge: Embedded): number[] {
  const lettersThen: number[] = [];
  const { onPuback } = bridge.broker.hooks;
  bridge.broker.hooks.onPuback = (clientId, packetId, reasonCode, message) => {
    onPuback?.(clientId, packetId, reasonCode, message);
    if (reasonCode >= 0x80) lettersThen.push(letters(bridge).length);
  };
  return lettersThen;
}

for (const [code, reason] of [
  [MESSAGE_TOO_LARGE, 'recordTooLarge'],
  [INVALID_RECORD, 'recordInvalid'],
] as const) {
  t.test(`a poison record goes to the dead letters, its batch to Kafka (${reason})`, async (t) => {
    const bridge = await startEmbedded(t, {
      topics: { out: 1 },
      maps: [
        {
          partitionStrategy: 'topic',
          batching: { enabled: true, latencyMs: 1000 },
          routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' }],
        },
      ],
    });
    const lettersThen = watchRefusals(bridge);
    // All of them gather to one batch, which is refused; then they go alone, and the third is too.
    bridge.kafka.failRequests(PRODUCE, [code, NO_ERROR, NO_ERROR, code]);
    for (const n of ['0', '1', 'poison', '3', '4']) bridge.publish('a/b', n);
    await bridge.acknowledged(5);
    t.same(await bridge.values('out'), ['0', '1', '3', '4']);
    t.same(
      bridge.pubacks.map(({ payload, reasonCode }) => [payload, reasonCode]),
      [
        ['0', 0],
        ['1', 0],
        ['poison', IMPLEMENTATION_SPECIFIC_ERROR],
        ['3', 0],
        ['4', 0],
      ],
    );
    t.same(lettersThen, [1], 'on the disk before the PUBACK');
    t.equal(await bridge.metric('millrace_messages_dead_lettered_total', { reason }), 1);
    t.equal(await bridge.metric('millrace_messages_dead_lettered_total'), 1);
    bridge.publish('a/b', 'after');
    await bridge.acknowledged(6);
    t.equal(bridge.broker.counters.unknownPubacks, 0);
  });
}

const byLevel = {
  topics: { fine: 1 },
  maps: [
    { routes: [{ name: 'r', mqttTopic: 'a/#', kafkaTopic: '$' + '{topic.2}', kafkaAcks: 'all' }] },
  ],
};

t.test('a message whose Kafka topic cannot be is dead-lettered, and the others pass', async (t) => {
  const bridge = await startEmbedded(t, byLevel);
  const lettersThen = watchRefusals(bridge);
  for (const n of numbers(3)) {
    bridge.publish('a/fine', n);
    bridge.publish('a/not a topic', `bad ${n}`);
  }
  await bridge.acknowledged(6);
  t.same(
    bridge.pubacks.map(({ payload, reasonCode }) => [payload, reasonCode]),
    numbers(3).flatMap((n) => [
      [n, 0],
      [`bad ${n}`, IMPLEMENTATION_SPECIFIC_ERROR],
    ]),
  );
  t.ok(
    lettersThen.every((count, i) => count > i),
    'each letter before its PUBACK',
  );
  t.same(await bridge.values('fine'), numbers(3));
  t.equal(bridge.broker.counters.refused, 3);
});

t.test('with the dead-letter store full a message is held, not ready, and not lost', async (t) => {
  const bridge = await startEmbedded(t, byLevel);
  const fillers = numbers(LETTERS_MAX).map(
    (n) => `20200101000000-${n.padStart(6, '0')}-00000000.letter`,
  );
  for (const name of fillers) writeFileSync(join(bridge.deadLetters, name), '');
  await bridge.stop();
  await bridge.start();
  await bridge.ready();
  t.equal(await bridge.metric('millrace_dead_letters'), LETTERS_MAX);
  bridge.publish('a/not a topic', 'bad');
  bridge.publish('a/fine', 'behind it');
  await until('it is not ready', () => bridge.reasons().length > 0);
  t.match(
    bridge.reasons().map(({ message }) => message),
    [/dead-letter store .* full/],
  );
  t.same(bridge.pubacks, [], 'neither it nor what comes after it in this session');
  for (const name of fillers) rmSync(join(bridge.deadLetters, name));
  await bridge.acknowledged(2);
  t.same(
    bridge.pubacks.map(({ payload, reasonCode }) => [payload, reasonCode]),
    [
      ['bad', IMPLEMENTATION_SPECIFIC_ERROR],
      ['behind it', 0],
    ],
  );
  t.equal(letters(bridge).length, 1);
  await bridge.ready();
});

t.test('what is not authorised is held with all that follows, never dead-lettered', async (t) => {
  const bridge = await startEmbedded(t, {
    topics: { out: 1, other: 1 },
    maps: [
      {
        partitionStrategy: 'topic',
        routes: [
          { name: 'r', mqttTopic: 'a/#', kafkaTopic: 'out' },
          { name: 'own', mqttTopic: 'b/#', kafkaTopic: 'other', ownSession: true },
        ],
      },
    ],
    prepare: ({ kafka }) => kafka.failTopic('out', TOPIC_AUTHORIZATION_FAILED),
  });
  for (const n of numbers(5)) bridge.publish('a/b', n);
  await bridge.notReady('route r');
  t.match(bridge.reasons()[0]?.message, /out: .*AUTHORIZATION_FAILED/);
  t.equal(await bridge.metric('millrace_holds_total', { reason: 'notAuthorised' }), 1);
  t.equal(await bridge.metric('millrace_holds', { route: 'r' }), 1);
  for (const n of numbers(5, 5)) bridge.publish('a/b', n);
  bridge.publish('b/c', 'a session of its own');
  await bridge.acknowledged(1);
  t.same(
    bridge.pubacks.map(({ payload }) => payload),
    ['a session of its own'],
  );
  bridge.kafka.failTopic('out', NO_ERROR);
  await bridge.acknowledged(11);
  t.ok(bridge.pubacks.every(({ reasonCode }) => reasonCode === 0));
  t.same(await bridge.values('out'), numbers(10));
  t.same(letters(bridge), []);
  await bridge.ready();
});
