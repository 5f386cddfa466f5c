import assert from 'node:assert/strict';
import { join } from 'node:path';
import { setImmediate as turn } from 'node:timers/promises';
import t from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { UsageError } from '../../src/base/errors.js';
import { seal, unseal } from '../../src/secrets/sealed.js';
import { readObject } from '../../src/secrets/secret-source.js';
import { ValuesWatch } from '../../src/secrets/values-watch.js';
import { NO_SECRETS } from '../support/kafka-access.js';
import { ManualClock } from '../support/manual-clock.js';
import { swapMounted } from '../support/mounted-object.js';
import { until } from '../support/until.js';

const PATIENCE_MS = 10_000;

/** What there is to be read, what was told of it, and a hand that says that it may have changed. */
async function setUp() {
  const clock = new ManualClock();
  const told: string[] = [];
  const readings: ((value: string | UsageError) => void)[] = [];
  const known: string[] = [];
  let change = () => {};
  const watch = new ValuesWatch<string>({
    places: { folders: [], files: [] },
    clock,
    known: seal('one'),
    read: async (before) => {
      known.push(unseal(before));
      const value = await new Promise<string | UsageError>((resolve) => readings.push(resolve));
      if (value instanceof UsageError) throw value;
      return seal(value);
    },
    onNew: (values) => told.push(`new ${unseal(values)}`),
    onUnusable: (detail) => told.push(`unusable: ${detail}`),
    onUsable: () => told.push('usable'),
    openWatch: ({ onMayHaveChanged }) => {
      change = onMayHaveChanged;
      return { isIdle: false, start: async () => {}, stop: () => {} };
    },
  });
  await watch.start();
  /** Has the reading that is under way find this. */
  const find = async (value: string | UsageError) => {
    const reading = readings.shift();
    assert(reading !== undefined, 'it is being read');
    reading(value);
    await turn();
  };
  return { clock, told, readings, known, watch, find, change: () => change() };
}

t.test('the same values are silence, others are told once', async (t) => {
  const { told, known, find, change } = await setUp();
  await find('one');
  change();
  await find('one');
  t.strictSame(told, []);
  change();
  await find('two');
  change();
  await find('two');
  t.strictSame(told, ['new two']);
  t.strictSame(known, ['one', 'one', 'one', 'two'], 'whoever reads knows what it was');
  change();
  await find('one');
  t.strictSame(told, ['new two', 'new one'], 'also those of before');
});

t.test('what changed between its first reading and the start is told', async (t) => {
  const { told, find } = await setUp();
  await find('two');
  t.strictSame(told, ['new two']);
});

t.test('what is half written is read again, and nobody hears of it', async (t) => {
  const { clock, told, find } = await setUp();
  await find(new UsageError('tls.key is not the key of the certificate'));
  clock.advance(500);
  await find(new UsageError('tls.key is not the key of the certificate'));
  clock.advance(1_000);
  await find('two');
  t.strictSame(told, ['new two']);
  t.equal(clock.waiting, 0);
});

t.test('what stays unusable is told once, and when it is over', async (t) => {
  const { clock, told, find, change } = await setUp();
  const missing = new UsageError('there is no key password');
  await find(missing);
  for (const delayMs of [500, 1_000, 2_000, 4_000]) {
    clock.advance(delayMs);
    await find(missing);
  }
  t.strictSame(told, [], 'not yet');
  clock.advance(8_000);
  await find(missing);
  t.strictSame(told, ['unusable: there is no key password']);
  clock.advance(30_000);
  await find(missing);
  t.equal(told.length, 1);
  change();
  await find(new UsageError('an empty key password'));
  t.strictSame(told.slice(1), ['unusable: an empty key password'], 'for another reason');
  change();
  await find('one');
  t.strictSame(told.slice(2), ['usable'], 'the values of before are nothing new');
  t.equal(clock.waiting, 0);
});

t.test('a moment of trouble long after another is a moment again', async (t) => {
  const { clock, told, find, change } = await setUp();
  await find(new UsageError('gone'));
  clock.advance(500);
  await find('one');
  clock.advance(2 * PATIENCE_MS);
  change();
  await find(new UsageError('gone'));
  t.strictSame(told, []);
});

t.test('what changes while it is read is read again, and only the last is told', async (t) => {
  const { told, readings, find, change } = await setUp();
  change();
  change();
  t.equal(readings.length, 1, 'not twice at once');
  await find('half');
  await find('whole');
  t.equal(readings.length, 0);
  t.strictSame(told, ['new whole']);
});

t.test('nothing is told after stop(), also of a reading that was under way', async (t) => {
  const { clock, told, readings, watch, find, change } = await setUp();
  await find(new UsageError('gone'));
  change();
  watch.stop();
  await find('two');
  change();
  t.equal(readings.length, 0);
  t.strictSame(told, []);
  t.equal(clock.waiting, 0);
});

t.test('a secret that Kubernetes swaps is told as of one version', async (t) => {
  const secretsDir = t.testdir({});
  const folder = join(secretsDir, 'login');
  swapMounted(folder, { username: 'u', password: 'one' });
  const source = { ...NO_SECRETS, secretsDir };
  const read = async () => seal(Object.fromEntries(await readObject(source, 'Secret', 'login')));
  const told: object[] = [];
  const watch = new ValuesWatch({
    places: { folders: [folder], files: [] },
    clock: systemClock,
    known: await read(),
    read,
    onNew: (values) => told.push(unseal(values)),
    onUnusable: (detail) => t.fail(detail),
    onUsable: () => {},
  });
  t.teardown(() => watch.stop());
  await watch.start();
  for (const [index, username] of ['v', 'w', 'x'].entries()) {
    swapMounted(folder, { username, password: `of ${username}` });
    await until('it is told', () => told.length === index + 1);
  }
  t.strictSame(told, [
    { password: 'of v', username: 'v' },
    { password: 'of w', username: 'w' },
    { password: 'of x', username: 'x' },
  ]);
});
