import t from 'tap';
import { KafkaRotation } from '../../../src/engine/rotation/kafka-rotation.js';
import type { KafkaCredentials } from '../../../src/secrets/kafka-credentials.js';
import { type Sealed, seal, unseal } from '../../../src/secrets/sealed.js';
import { standingThatTells } from '../../support/standing.js';

const login = (password: string) => seal<KafkaCredentials>({ login: { username: 'u', password } });
const token = (value: string) => ({ value, expiresAtMs: 1, principal: 'p' });

function setUp(initial: Sealed<KafkaCredentials> = login('old')) {
  const { standing, told } = standingThatTells();
  const set: KafkaCredentials[] = [];
  const inService: KafkaCredentials[] = [];
  const rotation = new KafkaRotation({
    inService: initial,
    shards: 2,
    setCredentials: (values) => set.push(unseal(values)),
    standing,
    onInService: (values) => inService.push(unseal(values)),
  });
  const inUse = (shard: number, generation: number) =>
    rotation.onMessage(shard, {
      kind: 'credentialsInUse',
      generation,
      abandonedRecords: 0,
      timedOut: false,
    });
  const refuse = (shard: number, generation: number, detail = 'refuses the login') =>
    rotation.onMessage(shard, {
      kind: 'credentialsRefused',
      generation,
      reason: 'authentication',
      detail,
    });
  const untried = (shard: number, generation: number, detail: string) =>
    rotation.onMessage(shard, {
      kind: 'credentialsUntried',
      generation,
      reason: 'timeout',
      detail,
    });
  return { rotation, told, set, inService, inUse, refuse, untried };
}

t.test('new values are in service when every worker has moved', async (t) => {
  const { rotation, told, set, inService, inUse } = setUp();
  rotation.offer(login('new'));
  t.strictSame(set, [unseal(login('new'))]);
  inUse(0, 1);
  inUse(0, 1);
  t.strictSame(told, ['found'], 'a worker that was replaced says so twice');
  inUse(1, 1);
  t.strictSame(told, ['found', 'in service']);
  t.strictSame(inService, [unseal(login('new'))]);
});

t.test('what workers say of earlier values is over', async (t) => {
  const { rotation, told, inUse, refuse } = setUp();
  rotation.offer(login('wrong'));
  inUse(1, 1);
  rotation.offer(login('good'));
  refuse(0, 1);
  inUse(1, 1);
  inUse(0, 2);
  t.strictSame(told, ['found']);
  inUse(1, 2);
  t.strictSame(told, ['found', 'in service']);
});

t.test('what every worker has moved to is in service, though there is newer', async (t) => {
  const { rotation, told, inService, inUse, refuse } = setUp();
  rotation.offer(login('second'));
  rotation.offer(login('wrong'));
  inUse(0, 1);
  inUse(1, 1);
  t.strictSame(inService, [unseal(login('second'))]);
  refuse(0, 2);
  t.strictSame(told, ['found', 'refused authentication: refuses the login']);
  rotation.offer(login('second'));
  inUse(0, 3);
  inUse(1, 3);
  t.equal(told.at(-1), 'withdrawn', 'it is what was in service');
});

t.test('of many on their way the last are remembered, and what is in service', async (t) => {
  const { rotation, told, inService, inUse } = setUp();
  for (let i = 1; i <= 50; i++) rotation.offer(login(`${i}`));
  for (const shard of [0, 1]) inUse(shard, 1);
  t.strictSame(inService, [], 'that was long ago');
  for (const shard of [0, 1]) inUse(shard, 45);
  t.strictSame(inService, [unseal(login('45'))]);
  for (const shard of [0, 1]) inUse(shard, 50);
  t.equal(told.at(-1), 'in service');
});

t.test('what cannot be tried is told, unless it is of earlier values', async (t) => {
  const { rotation, told, untried } = setUp();
  rotation.offer(login('new'));
  untried(1, 0, 'over');
  untried(1, 1, 'nobody answers');
  t.strictSame(told, ['found', 'untried timeout: nobody answers']);
});

t.test('what Kafka refuses is told, and heals when it does not any more', async (t) => {
  const { rotation, told, set, inUse, refuse } = setUp();
  rotation.offer(login('early'));
  refuse(0, 1);
  t.strictSame(told, ['found', 'refused authentication: refuses the login']);
  inUse(1, 1);
  inUse(0, 1);
  t.equal(told.at(-1), 'in service');
  t.equal(set.length, 1, 'the workers try by themselves');
});

t.test('the values of before put an end to it', async (t) => {
  const { rotation, told, inUse, refuse } = setUp();
  rotation.offer(login('wrong'));
  refuse(0, 1);
  rotation.offer(login('old'));
  inUse(0, 2);
  inUse(1, 2);
  t.equal(told.at(-1), 'withdrawn');
});

t.test('a token and a CA are changed one without the other', async (t) => {
  const { rotation, set } = setUp(seal<KafkaCredentials>({ caPem: 'ca 1' }));
  rotation.offerToken(token('one'));
  rotation.offer(seal<KafkaCredentials>({ caPem: 'ca 2' }));
  rotation.offerToken(token('two'));
  rotation.offerToken(token('two'));
  t.strictSame(
    set.map(({ caPem, token }) => [caPem, token?.value]),
    [
      ['ca 1', 'one'],
      ['ca 2', 'one'],
      ['ca 2', 'two'],
    ],
  );
});
