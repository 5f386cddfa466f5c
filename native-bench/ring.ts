/* Where large payloads lie on their way: the slab, first fit from the bottom, against a ring whose tail
 * passes regions in order. What each does to resident memory, what it costs, and what one region that
 * is held does to the others.
 *   npm run native-bench -- ring [--rounds N] [--json]
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Option } from 'commander';
import { type Spread, spreadOf } from '../src/bench/report/spread.js';
import { wholeNumber } from '../src/cli/numbers.js';
import { SLAB_BYTES_MIN } from '../src/config/limits.js';
import { PayloadSlab } from '../src/ring/payload-slab.js';
import {
  type ComparisonOptions,
  comparisonCommand,
  printTable,
  spreadText,
  takeTurns,
} from './comparison.js';

const PAYLOAD_BYTES = 2 * 1024 * 1024;
const PAYLOADS = 1000;

interface Store {
  readonly bytes: Uint8Array;
  reserve(bytes: number): number;
  release(start: number): void;
}

/** Regions are contiguous and never straddle the end; the tail passes what is released, in order. */
class Ring implements Store {
  readonly bytes: Uint8Array;
  readonly #regions: { start: number; bytes: number; released: boolean }[] = [];
  #head = 0;
  #used = 0;

  constructor(size: number) {
    this.bytes = new Uint8Array(new SharedArrayBuffer(size));
  }

  reserve(bytes: number): number {
    const toEnd = this.bytes.length - this.#head;
    const wraps = bytes > toEnd;
    const skip = wraps ? toEnd : 0;
    if (this.#used + skip + bytes > this.bytes.length) return -1;
    const start = wraps ? 0 : this.#head;
    this.#regions.push({ start, bytes: skip + bytes, released: false });
    this.#used += skip + bytes;
    this.#head = start + bytes;
    return start;
  }

  release(start: number): void {
    const region = this.#regions.find((each) => each.start === start && !each.released);
    if (region === undefined) throw new Error(`no region at ${start}`);
    region.released = true;
    while (this.#regions[0]?.released === true) this.#used -= this.#regions.shift()?.bytes ?? 0;
  }
}

const STORES: Readonly<Record<string, () => Store>> = {
  slab: () => new PayloadSlab(SLAB_BYTES_MIN),
  ring: () => new Ring(SLAB_BYTES_MIN),
};

interface Result {
  /** By how much resident memory grew. */
  readonly rssMiB: number;
  readonly megabytesPerSecond: number;
  /** Payloads that found room while the first one was held; `PAYLOADS` where all did. */
  readonly passedAHeldOne: number;
}

/** Keeps `inFlight` payloads in the store, and releases the oldest for each new one. */
function carry(store: Store, inFlight: number): Omit<Result, 'passedAHeldOne'> {
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(7);
  const rssBefore = process.memoryUsage.rss();
  const startMs = performance.now();
  const open: number[] = [];
  for (let n = 0; n < PAYLOADS; n++) {
    if (open.length === inFlight) store.release(open.shift() as number);
    const start = store.reserve(PAYLOAD_BYTES);
    store.bytes.set(payload, start);
    open.push(start);
  }
  const seconds = (performance.now() - startMs) / 1000;
  const rssMiB = (process.memoryUsage.rss() - rssBefore) / 1024 / 1024;
  return { rssMiB, megabytesPerSecond: (PAYLOADS * PAYLOAD_BYTES) / 1e6 / seconds };
}

function passAHeldOne(store: Store): number {
  store.reserve(PAYLOAD_BYTES);
  for (let n = 0; n < PAYLOADS; n++) {
    const start = store.reserve(PAYLOAD_BYTES);
    if (start < 0) return n;
    store.release(start);
  }
  return PAYLOADS;
}

/** Each in a process of its own: resident memory seldom shrinks. */
function runOnce(store: string, inFlight: number): Result {
  const file = fileURLToPath(import.meta.url);
  const args = [file, '--store', store, '--in-flight', String(inFlight)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' })) as Result;
}

async function runAll({ rounds, json }: ComparisonOptions): Promise<void> {
  const rows: { store: string; inFlight: number; rss: Spread; speed: Spread; passed: number }[] =
    [];
  for (const inFlight of [1, 4, 16]) {
    const results = await takeTurns(Object.keys(STORES), rounds, (store) =>
      runOnce(store, inFlight),
    );
    for (const [store, all] of Object.entries(results)) {
      const rss = spreadOf(all.map(({ rssMiB }) => rssMiB));
      const speed = spreadOf(all.map(({ megabytesPerSecond }) => megabytesPerSecond));
      rows.push({ store, inFlight, rss, speed, passed: all[0]?.passedAHeldOne ?? 0 });
    }
  }
  if (json) console.log(JSON.stringify(rows));
  else {
    printTable(
      ['store', 'in flight', 'MiB resident', 'MB/s', `of ${PAYLOADS} past a held one`],
      rows.map(({ store, inFlight, rss, speed, passed }) => [
        store,
        String(inFlight),
        spreadText(rss, 0),
        spreadText(speed, 0),
        String(passed),
      ]),
    );
  }
}

const options = comparisonCommand('ring', 'Where large payloads lie: a slab, or a ring', 5)
  .addOption(new Option('--store <store>', 'one measurement, in this process').hideHelp())
  .addOption(new Option('--in-flight <n>').argParser(wholeNumber(1)).default(1).hideHelp())
  .parse()
  .opts<ComparisonOptions & { readonly store?: string; readonly inFlight: number }>();
const make = STORES[options.store ?? ''];
if (make === undefined) await runAll(options);
else {
  const carried = carry(make(), options.inFlight);
  const result: Result = { ...carried, passedAHeldOne: passAHeldOne(make()) };
  console.log(JSON.stringify(result));
}
