import t from 'tap';
import { loadAddon } from '../../src/channel/addon-file.js';
import { closeDoorbell, openDoorbell } from '../../src/channel/doorbell.js';
import { createRingMemory } from '../../src/channel/ring-layout.js';
import {
  ADMIN_GROUPS,
  ADMIN_TOPIC_LIMITS,
  ADMIN_TOPICS,
  type AdminAnswer,
  addon,
} from '../../src/kafka/addon.js';
import { frameOf } from '../support/frames.js';
import { NativeShard } from '../support/native-shard.js';
import { until } from '../support/until.js';

/* JavaScript that is wrong gets an exception, never a crash: tests are compiled against the types, so
 * what is given here goes by way of `Function`. */

const doorbells = loadAddon() as Readonly<Record<string, Callable>>;
type Callable = (...args: readonly unknown[]) => unknown;
type Methods = Readonly<Record<string, Callable | undefined>>;

const ODD_VALUES = [
  undefined,
  null,
  true,
  -1,
  1.5,
  Number.NaN,
  2 ** 53,
  'text',
  Symbol('s'),
  10n,
  {},
  [],
  () => {},
  new Uint8Array(8),
  new Float64Array(8),
  new DataView(new ArrayBuffer(8)),
  new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('proxy');
      },
    },
  ),
];

function shardOf(t: Tap): NativeShard {
  const shard = new NativeShard();
  t.teardown(() => shard.close());
  return shard;
}
type Tap = { teardown(callback: () => void): void };

/** Calls with every odd value at every place; counts the calls that were refused. */
function callOddly(object: object, name: string, sound: readonly unknown[]): number {
  const method = (object as Methods)[name] as Callable;
  let refused = 0;
  const call = (args: readonly unknown[]) => {
    try {
      method.apply(object, [...args]);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      refused++;
    }
  };
  call([]);
  for (let place = 0; place < sound.length; place++) {
    call(sound.slice(0, place));
    for (const odd of ODD_VALUES) call([...sound.slice(0, place), odd, ...sound.slice(place + 1)]);
  }
  return refused;
}

const SHARD_METHODS: Readonly<Record<string, readonly unknown[]>> = {
  addProducer: [{ 'client.id': 'c' }],
  removeProducer: [0],
  setCredentials: [0, 'username', 'password'],
  setToken: [0, 'token', 2e12, 'principal'],
  setTarget: [0, 0, 'topic', {}, 0, 0, false],
  divert: [0, false],
  setAloneFrom: [0, 1000],
  takeControl: [],
  produce: [0, false, frameOf({ payload: 'p' }), 1],
  settle: [1, 8, 0],
  purge: [0, false],
  outstanding: [0],
  outstandingOf: [0],
  hasStale: [0, 1000],
  oldestMs: [0],
};

t.test('every method of ShardProducers refuses wrong arguments with an error', async (t) => {
  for (const [name, sound] of Object.entries(SHARD_METHODS)) {
    const shard = shardOf(t);
    shard.native.addProducer({});
    t.ok(callOddly(shard.native, name, sound) > 0, name);
  }
});

t.test('wrong kinds of arguments are TypeErrors that say how to call it', async (t) => {
  const { native } = shardOf(t);
  native.addProducer({});
  const methods = native as unknown as Methods;
  for (const [name, sound] of Object.entries(SHARD_METHODS)) {
    const wrong = sound.map(() => Symbol('s'));
    t.throws(() => (methods[name] as Callable).apply(native, wrong), TypeError, name);
  }
});

t.test('a method called on something else is refused', async (t) => {
  const { native } = shardOf(t);
  const cluster = new addon.MockCluster(1);
  t.teardown(() => cluster.close());
  for (const receiver of [{}, undefined, cluster, Object.create(native)]) {
    t.throws(() => native.turn.call(receiver as never), TypeError);
  }
});

t.test('ShardProducers wants shared memory of the size of a ring', async (t) => {
  const sound = () => new Uint8Array(createRingMemory(1024));
  const Shard = addon.ShardProducers as unknown as new (...args: readonly unknown[]) => object;
  t.ok(new Shard(sound(), sound(), new Uint8Array(new SharedArrayBuffer(0)), 0, 0));
  const wrong: readonly (readonly unknown[])[] = [
    [],
    [sound(), sound(), sound(), 0],
    [new Uint8Array(192 + 1024), sound(), sound(), 0, 0],
    [sound(), sound(), new Uint8Array(64), 0, 0],
    [new Uint8Array(new SharedArrayBuffer(192 + 1000)), sound(), sound(), 0, 0],
    [new Uint8Array(new SharedArrayBuffer(192)), sound(), sound(), 0, 0],
    [new Uint8Array(new SharedArrayBuffer(1)), sound(), sound(), 0, 0],
    [new Uint8Array(createRingMemory(1024), 4), sound(), sound(), 0, 0],
    [new Int32Array(createRingMemory(1024)), sound(), sound(), 0, 0],
    [createRingMemory(1024), sound(), sound(), 0, 0],
    [sound(), sound(), sound(), 'fd', 0],
  ];
  for (const args of wrong) t.throws(() => new Shard(...args), TypeError);
  t.throws(() => (Shard as unknown as Callable)(sound(), sound(), sound(), 0, 0));
});

t.test('a property that librdkafka refuses is named, and its value never', async (t) => {
  const { native } = shardOf(t);
  const secret = 'correct-horse-battery';
  const wrong: readonly Readonly<Record<string, string>>[] = [
    { 'linger.ms': secret },
    { 'no.such.property': secret },
    { 'enable.idempotence': secret },
    { 'security.protocol': secret },
    { 'sasl.mechanism': secret, 'security.protocol': 'sasl_plaintext' },
    { 'ssl.key.pem': secret, 'security.protocol': 'ssl' },
    { 'ssl.certificate.pem': secret, 'security.protocol': 'ssl' },
    { 'ssl.key.password': secret, 'ssl.key.location': '/dev/null', 'security.protocol': 'ssl' },
    {
      'sasl.oauthbearer.config': secret,
      'sasl.mechanism': 'OAUTHBEARER',
      'security.protocol': 'sasl_plaintext',
      'enable.sasl.oauthbearer.unsecure.jwt': 'true',
    },
  ];
  for (const properties of wrong) {
    let message = '';
    try {
      native.addProducer(properties);
    } catch (error) {
      message = String(error);
    }
    t.notMatch(message, secret, JSON.stringify(Object.keys(properties)));
  }
  t.throws(() => native.addProducer({ 'linger.ms': secret }), /linger\.ms/);
  const producer = native.addProducer({});
  const setTarget = () => native.setTarget(0, producer, 't', { acks: secret }, 0, 0, false);
  t.throws(setTarget, /acks/);
  t.notMatch(String(catching(setTarget)), secret);
});

t.test('a property with a getter that removes the producer does no harm', async (t) => {
  const { native } = shardOf(t);
  const producer = native.addProducer({});
  const properties = {
    get acks() {
      native.removeProducer(producer);
      return '1';
    },
  };
  t.throws(() => native.setTarget(0, producer, 't', properties, 0, 0, false), TypeError);
});

t.test('one topic of a producer has one set of settings', async (t) => {
  const { native } = shardOf(t);
  const producer = native.addProducer({});
  native.setTarget(0, producer, 'same', { acks: '1' }, 0, 0, false);
  t.throws(
    () => native.setTarget(1, producer, 'same', { acks: 'all' }, 0, 0, false),
    /open already/,
  );
});

t.test('a closed shard refuses to work and can be closed again', async (t) => {
  const shard = new NativeShard();
  const { native } = shard;
  native.setTarget(0, native.addProducer({}), 't', {}, 0, 0, false);
  shard.close();
  t.throws(() => native.turn(), /closed/);
  t.throws(() => native.addProducer({}), /closed/);
  t.throws(() => native.produce(0, false, frameOf({}), 1), TypeError);
  t.equal(native.outstanding(0), 0);
  native.close();
});

t.test('MockCluster and the doorbells refuse wrong arguments with an error', async (t) => {
  const Cluster = addon.MockCluster as unknown as new (brokers: unknown) => object;
  for (const brokers of [0, -1, 1e9, 'one', undefined, Symbol('s')]) {
    t.throws(() => new Cluster(brokers), TypeError);
  }
  const cluster = new addon.MockCluster(1);
  const methods: Readonly<Record<string, readonly unknown[]>> = {
    createTopic: ['topic', 1],
    failRequests: [0, [10]],
    failTopic: ['topic', 0],
    setBrokerUp: [1, true],
    setGroupDelayMs: [0],
    setRoundTripMs: [1, 0],
  };
  for (const [name, sound] of Object.entries(methods)) {
    t.ok(callOddly(cluster, name, sound) > 0, name);
  }
  cluster.close();
  cluster.close();
  t.throws(() => cluster.bootstrapServers, /closed/);
  for (const name of ['closeDoorbell', 'ringDoorbell', 'errorName']) {
    t.throws(() => doorbells[name]?.(Symbol('s')), TypeError, name);
    t.throws(() => doorbells[name]?.(), TypeError, name);
  }
  const Doorbell = doorbells.Doorbell as unknown as new (...args: readonly unknown[]) => object;
  for (const args of [[], [0], ['0', () => {}], [-1, () => {}], [1 << 20, () => {}]]) {
    t.throws(() => new Doorbell(...args), Error);
  }
});

const ADMIN_METHODS: Readonly<Record<string, readonly unknown[]>> = {
  ask: [ADMIN_TOPICS, ['topic'], 100, 1],
  setCredentials: ['username', 'password'],
  setToken: ['token', 2e12, 'principal'],
};

function adminOf(t: Tap, properties: Readonly<Record<string, string>> = {}) {
  const fd = openDoorbell();
  const admin = new addon.Admin(properties, fd);
  t.teardown(() => {
    admin.destroy();
    closeDoorbell(fd);
  });
  return admin;
}

t.test('every method of Admin refuses wrong arguments with an error', async (t) => {
  const admin = adminOf(t);
  const methods = admin as unknown as Methods;
  for (const [name, sound] of Object.entries(ADMIN_METHODS)) {
    t.ok(callOddly(admin, name, sound) > 0, name);
    const wrong = sound.map(() => Symbol('s'));
    t.throws(() => (methods[name] as Callable).apply(admin, wrong), TypeError, name);
  }
  const Admin = addon.Admin as unknown as new (...args: readonly unknown[]) => object;
  for (const args of [[], [{}], [{}, -1], [{}, 'fd'], [{}, 2 ** 31], [1, 0], [{ a: 1 }, 0]]) {
    t.throws(() => new Admin(...args), Error);
  }
  t.throws(() => new Admin({ 'linger.ms': 'correct-horse' }, 0), /linger\.ms/);
});

t.test(
  'a question of Admin is bounded in names, their length, its time and its number',
  async (t) => {
    const admin = adminOf(t);
    const ask = admin.ask.bind(admin) as unknown as Callable;
    const names = (count: number) => Array.from({ length: count }, (_, i) => `topic-${i}`);
    const wrong: readonly (readonly unknown[])[] = [
      [ADMIN_GROUPS + 1, ['t'], 100, 1],
      [-1, ['t'], 100, 1],
      [ADMIN_TOPICS, [], 100, 1],
      [ADMIN_TOPICS, names(1001), 100, 1],
      [ADMIN_TOPICS, ['same', 'same'], 100, 1],
      [ADMIN_TOPICS, [''], 100, 1],
      [ADMIN_TOPICS, ['nul\0'], 100, 1],
      [ADMIN_TOPICS, ['x'.repeat(32_768)], 100, 1],
      [ADMIN_TOPICS, ['t', 1], 100, 1],
      [ADMIN_TOPICS, ['t'], 0, 1],
      [ADMIN_TOPICS, ['t'], 3_600_001, 1],
      [ADMIN_TOPICS, ['t'], 100, 2 ** 32],
    ];
    for (const args of wrong)
      t.throws(() => ask(...args), TypeError, JSON.stringify(args.slice(2)));
    for (let open = 0; open < 100; open++) ask(ADMIN_TOPICS, names(1), 60_000, open);
    t.throws(() => ask(ADMIN_TOPICS, names(1), 60_000, 100), /too many/);
  },
);

t.test('names with a getter that destroys the Admin do no harm', async (t) => {
  const admin = adminOf(t);
  const names = Object.defineProperty(['first', 'second'], 0, {
    get: () => {
      admin.destroy();
      return 'first';
    },
  });
  t.throws(() => admin.ask(ADMIN_TOPICS, names, 100, 1), /destroyed/);
  t.throws(() => admin.takeEvents(), /destroyed/);
  t.throws(() => admin.takeAnswers(), /destroyed/);
  t.throws(() => admin.setCredentials('u', 'p'), /destroyed/);
  admin.destroy();
});

t.test('every question that no server answers ends as one answer, without items', async (t) => {
  const admin = adminOf(t, { 'bootstrap.servers': '127.0.0.1:1', log_level: '0' });
  const kinds = [ADMIN_TOPICS, ADMIN_TOPIC_LIMITS, ADMIN_GROUPS];
  for (const kind of kinds) admin.ask(kind, ['a', 'b'], 50, kind);
  const answers: AdminAnswer[] = [];
  await until('all are answered', () => {
    answers.push(...admin.takeAnswers());
    return answers.length >= kinds.length;
  });
  t.strictSame(answers.map(({ token }) => token).sort(), kinds);
  const whole = answers.filter(({ token }) => token !== ADMIN_GROUPS);
  t.strictSame(
    whole.map(({ code, items }) => [addon.errorName(code), items]),
    whole.map(() => ['_TIMED_OUT', []]),
  );
});

t.test('an Admin with questions under way can be destroyed', async (t) => {
  const cluster = new addon.MockCluster(1);
  t.teardown(() => cluster.close());
  for (let round = 0; round < 5; round++) {
    const admin = adminOf(t, { 'bootstrap.servers': cluster.bootstrapServers });
    for (const kind of [ADMIN_TOPICS, ADMIN_TOPIC_LIMITS, ADMIN_GROUPS]) {
      admin.ask(kind, ['a'], 10_000, kind);
    }
    if (round > 2) await until('it is connected', () => admin.takeAnswers().length > 0);
    admin.destroy();
  }
  t.pass('it is gone');
});

t.test('errors and features have librdkafka’s own names', async (t) => {
  t.equal(addon.errorName(10), 'MSG_SIZE_TOO_LARGE');
  t.equal(addon.errorName(-152), '_PURGE_QUEUE');
  t.type(addon.errorName(123_456), 'string');
  for (const feature of ['gzip', 'snappy', 'lz4', 'ssl', 'sasl_scram', 'sasl_oauthbearer']) {
    t.ok(addon.builtinFeatures().split(',').includes(feature), feature);
  }
});

function catching(run: () => void): unknown {
  try {
    run();
  } catch (error) {
    return error;
  }
  return undefined;
}
