import type { watch } from 'node:fs';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { systemClock } from '../../src/base/clock.js';
import { PlacesWatch, type PlacesWatchOptions } from '../../src/secrets/places-watch.js';
import { ManualClock } from '../support/manual-clock.js';
import { swapMounted } from '../support/mounted-object.js';
import { until } from '../support/until.js';

/* Each way in which files of secrets change, against the file system that there is. */

type Watched = PlacesWatchOptions['places'];

/** How often something may have changed. */
interface Count {
  changes: number;
}

async function watchPlaces(t: Test, places: Partial<Watched>): Promise<Count> {
  const count = { changes: 0 };
  const watching = new PlacesWatch({
    places: { folders: [], files: [], ...places },
    clock: systemClock,
    onMayHaveChanged: () => {
      count.changes += 1;
    },
  });
  t.teardown(() => watching.stop());
  await watching.start();
  return count;
}

/** That it is told by an event: long before anybody looks by himself. */
async function told(what: string, count: Count, change: () => void): Promise<void> {
  const before = count.changes;
  change();
  await until(what, () => count.changes > before, { deadlineMs: 10_000 });
}

t.test('each way to change a file in a mounted object is told', async (t) => {
  const folder = join(t.testdir({ login: { password: 'one' } }), 'login');
  const file = join(folder, 'password');
  const count = await watchPlaces(t, { folders: [folder] });
  await told('written in place', count, () => writeFileSync(file, 'two'));
  await told('replaced by another file', count, () => {
    writeFileSync(`${file}.new`, 'three');
    renameSync(`${file}.new`, file);
  });
  await told('removed', count, () => rmSync(file));
  await told('a link swapped by Kubernetes', count, () => swapMounted(folder, { password: 'f' }));
  await told('and again', count, () => swapMounted(folder, { password: 'five' }));
});

t.test('a folder that comes, goes and comes again is told, and what changes in it', async (t) => {
  const folder = join(t.testdir({}), 'login');
  const count = await watchPlaces(t, { folders: [folder] });
  for (const round of ['first', 'second', 'third']) {
    await told(`${round}: made`, count, () => mkdirSync(folder));
    await told(`${round}: a file in it`, count, () => writeFileSync(join(folder, 'key'), round));
    await told(`${round}: gone`, count, () => rmSync(folder, { recursive: true }));
  }
});

t.test('a folder put in the place of another is told, and watched', async (t) => {
  const parent = t.testdir({ login: { key: 'one' }, other: { key: 'two' } });
  const folder = join(parent, 'login');
  const count = await watchPlaces(t, { folders: [folder] });
  await told('swapped', count, () => {
    renameSync(folder, join(parent, 'old'));
    renameSync(join(parent, 'other'), folder);
  });
  await told('a file in the new one', count, () => writeFileSync(join(folder, 'key'), 'three'));
});

t.test('a single file is told, by its own name and by way of Kubernetes', async (t) => {
  const folder = t.testdir({ token: 'one', mounted: {} });
  const mounted = join(folder, 'mounted');
  symlinkSync('..data/token', join(mounted, 'token'));
  const count = await watchPlaces(t, { files: [join(folder, 'token'), join(mounted, 'token')] });
  await told('replaced', count, () => {
    writeFileSync(join(folder, 'token.new'), 'two');
    renameSync(join(folder, 'token.new'), join(folder, 'token'));
  });
  await told('swapped', count, () => swapMounted(mounted, { token: 'three' }));
});

/** Stands for the kernel: calls back when the test says so, or has no watcher left. */
function fakeWatch(fails: boolean) {
  const open = new Map<string, (event: string, name: string | null) => void>();
  const fake = (path: string, _: object, onEvent: (event: string, name: string | null) => void) => {
    if (fails) throw Object.assign(new Error('no inotify left'), { code: 'ENOSPC' });
    open.set(path, onEvent);
    return { on: () => {}, close: () => open.delete(path) };
  };
  return { open, watch: fake as unknown as typeof watch };
}

const SETTLE_MS = 250;
const POLL_MS = 30_000;

async function watchWithFakes(t: Test, fails: boolean) {
  const folder = join(t.testdir({ login: {} }), 'login');
  const clock = new ManualClock();
  const count = { changes: 0 };
  const { open, watch } = fakeWatch(fails);
  const watching = new PlacesWatch({
    places: { folders: [folder], files: [] },
    clock,
    watch,
    onMayHaveChanged: () => {
      count.changes += 1;
    },
  });
  await watching.start();
  return { folder, clock, count, open, watching };
}

t.test('where the kernel tells nothing it is looked at every half minute', async (t) => {
  const { clock, count, watching } = await watchWithFakes(t, true);
  for (const expected of [1, 2, 3]) {
    clock.advance(POLL_MS - 1);
    t.equal(count.changes, expected - 1);
    clock.advance(1);
    await until('told', () => count.changes === expected);
  }
  watching.stop();
});

t.test('many events are told once, and nothing that others have in the folder', async (t) => {
  const { folder, clock, count, open, watching } = await watchWithFakes(t, false);
  const parent = join(folder, '..');
  for (let event = 0; event < 50; event++) open.get(folder)?.('change', 'password');
  clock.advance(SETTLE_MS);
  await until('told', () => count.changes === 1);
  open.get(parent)?.('change', 'other-secret');
  t.equal(clock.waiting, 1, 'only the half minute');
  open.get(parent)?.('rename', 'login');
  t.notOk(open.has(folder), 'a watch of what may be gone is given up');
  clock.advance(SETTLE_MS);
  await until('told again', () => count.changes === 2);
  t.ok(open.has(folder), 'and made anew');
  watching.stop();
});

t.test('nothing is left of it after stop(), and nothing is called', async (t) => {
  const { folder, clock, count, open, watching } = await watchWithFakes(t, false);
  const onEvent = open.get(folder);
  t.equal(open.size, 2);
  onEvent?.('change', 'password');
  watching.stop();
  t.equal(open.size, 0);
  onEvent?.('change', 'password');
  clock.advance(10 * POLL_MS);
  t.equal(count.changes, 0);
  t.equal(clock.waiting, 0);
});

t.test('nothing to watch takes nothing', async (t) => {
  const clock = new ManualClock();
  const watching = new PlacesWatch({
    places: { folders: [], files: [] },
    clock,
    onMayHaveChanged: () => t.fail('there is nothing'),
  });
  await watching.start();
  t.ok(watching.isIdle);
  t.equal(clock.waiting, 0);
});
