import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { KIND_CONTROL } from '../../src/channel/frame.js';
import { HEAD_WORD, TAIL_WORD } from '../../src/channel/ring-layout.js';
import { addon } from '../../src/kafka/addon.js';
import { frameOf } from '../support/frames.js';
import { NativeShard, quickProducer } from '../support/native-shard.js';
import { forSeeds, type Random } from '../support/random.js';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const ROUNDS = 100_000;

const ODD_NUMBERS = [
  0,
  1,
  7,
  8,
  47,
  48,
  56,
  64,
  65_535,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 8,
  2 ** 32 - 1,
];

/** The fuzz program of frame-fuzz.cc, built with AddressSanitizer against the addon's own sources. */
async function build(folder: string): Promise<string> {
  const require = createRequire(join(ROOT, 'package.json'));
  const deps = join(dirname(require.resolve('node-rdkafka/package.json')), 'build', 'deps');
  const program = join(folder, 'frame-fuzz');
  const sanitize = ['-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  const include = ['-I', join(ROOT, 'src/native'), '-isystem', join(deps, 'include')];
  const sources = [join(ROOT, 'test/native/frame-fuzz.cc'), join(ROOT, 'src/native/producer.cc')];
  const library = [join(deps, 'librdkafka.so.1'), `-Wl,-rpath,${deps}`];
  const args = ['-std=c++17', '-g', '-O1', ...sanitize, ...include, ...sources, ...library];
  await run('g++', [...args, '-o', program]);
  return program;
}

t.test('hostile frames stay within their memory, and each record is reported once', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-fuzz-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const program = await build(folder);
  await forSeeds(t, 3, async ({ seed }) => {
    const { stdout } = await run(program, [String(seed), String(ROUNDS)]);
    const { sound, refused } = JSON.parse(stdout) as { sound: number; refused: number };
    // Else it has tried nothing.
    if (sound < ROUNDS / 10 || refused < ROUNDS / 10) throw new Error(stdout);
  });
});

function spoil(random: Random, frame: Uint8Array): Uint8Array {
  const words = new Uint32Array(frame.buffer, 0, 12);
  for (let times = random.between(1, 3); times > 0; times--) {
    words[random.below(12)] = random.chance(0.7) ? random.pick(ODD_NUMBERS) : random.below(2 ** 32);
  }
  return frame;
}

function someFrame(random: Random): Uint8Array {
  return frameOf({
    deliveryId: random.below(1000),
    ...(random.chance(0.5) && { key: random.bytes(random.below(20)) }),
    headers: Array.from({ length: random.below(4) }, () => ['name', random.bytes(8)] as const),
    ...(random.chance(0.2)
      ? { inSlab: { offset: random.below(64), bytes: random.below(64) } }
      : { payload: random.bytes(random.below(100)) }),
  });
}

t.test('produce refuses a frame that lies and never a process', async (t) => {
  const shard = new NativeShard({ slabBytes: 64 });
  t.teardown(() => shard.close());
  shard.open({}, 'nowhere');
  let refused = 0;
  await forSeeds(t, 1, (random) => {
    for (let i = 0; i < 20_000; i++) {
      const frame = spoil(random, someFrame(random));
      const cut = random.chance(0.2) ? frame.subarray(0, random.below(frame.length)) : frame;
      try {
        shard.native.produce(0, false, cut, i);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        refused++;
      }
    }
  });
  t.ok(refused > 1000);
});

t.test('a corrupt ring is refused from then on, whatever is in it', async (t) => {
  let corrupt = 0;
  await forSeeds(t, 300, (random) => {
    const shard = new NativeShard({ ringBytes: 4096 });
    try {
      shard.native.addProducer({});
      shard.native.setTarget(0, 0, 'nowhere', {}, 0, 0, false);
      for (let i = random.below(8); i > 0; i--) shard.write(someFrame(random));
      const last = someFrame(random);
      shard.write(random.chance(0.8) ? spoil(random, last) : last);
      shard.ring.publish();
      const words = new Int32Array(shard.frames);
      if (random.chance(0.2)) words[HEAD_WORD] = random.pick(ODD_NUMBERS) | 0;
      if (random.chance(0.2)) words[TAIL_WORD] = random.pick(ODD_NUMBERS) | 0;
      try {
        for (let turns = 0; turns < 3; turns++) shard.turn();
      } catch (error) {
        if (!/corrupt/.test(String(error))) throw error;
        corrupt++;
        t.throws(() => shard.native.turn(), /corrupt/);
      }
    } finally {
      shard.close();
    }
  });
  t.ok(corrupt > 50);
});

t.test('a record for a target that nobody opened makes the ring corrupt', async (t) => {
  const shard = new NativeShard();
  t.teardown(() => shard.close());
  shard.open({}, 'nowhere');
  shard.write(frameOf({ targetId: 1 }));
  shard.ring.publish();
  t.throws(() => shard.turn(), /corrupt/);
});

t.test('control frames come out in their place, with a copy of their payload', async (t) => {
  const cluster = new addon.MockCluster(1);
  t.teardown(() => cluster.close());
  cluster.createTopic('controlled', 1);
  const shard = new NativeShard();
  t.teardown(() => shard.close());
  shard.open(quickProducer(cluster.bootstrapServers), 'controlled');
  await shard.send({ deliveryId: 1 });
  t.ok(shard.ring.control(Buffer.from('{"kind":"first"}')));
  await shard.send({ deliveryId: 2 });
  t.ok(shard.ring.control(Buffer.from('')));
  await shard.settle(2);
  t.same(
    shard.controls.map((payload) => Buffer.from(payload).toString()),
    ['{"kind":"first"}', ''],
  );
  t.throws(() => shard.native.takeControl(), /no control frame/);
});

t.test(
  'a control frame that becomes another while it is read makes the ring corrupt',
  async (t) => {
    const shard = new NativeShard();
    t.teardown(() => shard.close());
    t.ok(shard.ring.control(Buffer.from('x')));
    shard.native.turn();
    shard.ring.words[1] = KIND_CONTROL - 2;
    t.throws(() => shard.native.takeControl(), /corrupt/);
  },
);
