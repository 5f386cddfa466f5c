import t from 'tap';
import type { KafkaCredentials } from '../../src/secrets/kafka-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { SentCredentials } from '../../src/shard/sent-credentials.js';

const numbered = (generation: number) => ({
  generation,
  kafkaCredentials: seal<KafkaCredentials>({ login: { username: 'u', password: 'p' } }),
});

function setUp(count: number) {
  const sent = new SentCredentials(numbered(0).kafkaCredentials);
  for (let generation = 1; generation <= count; generation++) sent.add(numbered(generation));
  return sent;
}

t.test('what works is in use, though there are newer ones', async (t) => {
  const sent = setUp(2);
  t.equal(sent.inUse.generation, 0);
  t.equal(sent.newest.generation, 2);
  t.equal(sent.use(1), true);
  t.equal(sent.inUse.generation, 1);
  t.equal(sent.newest.generation, 2);
  t.equal(sent.use(2), true);
  t.equal(sent.newest, sent.inUse);
});

t.test('what is older than what is in use, or is not known, changes nothing', async (t) => {
  const sent = setUp(3);
  sent.use(2);
  for (const generation of [0, 1, 2, 4]) t.equal(sent.use(generation), false);
  t.equal(sent.inUse.generation, 2);
});

t.test('of many on their way the last are remembered', async (t) => {
  const sent = setUp(50);
  t.equal(sent.use(1), false);
  t.equal(sent.inUse.generation, 0);
  t.equal(sent.use(43), true);
  t.equal(sent.newest.generation, 50);
});
