/* Where large payloads lie on their way: the slab, first fit from the bottom, against a ring whose tail
 * passes regions in order. What each does to resident memory, what it costs, and what one region that
 * is held does to the others.
 *   node dist/native-bench/ring.js [--rounds N] [--json]
 */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { spreadOf } from '../src/bench/report/spread.js';
import { SLAB_BYTES_MIN } from '../src/config/limits.js';
import { PayloadSlab } from '../src/ring/payload-slab.js';

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

function runAll(rounds: number, json: boolean): void {
  const rows: unknown[] = [];
  for (const inFlight of [1, 4, 16]) {
    const results: Record<string, Result[]> = { slab: [], ring: [] };
    for (let round = 0; round < rounds; round++) {
      for (const store of Object.keys(STORES)) results[store]?.push(runOnce(store, inFlight));
    }
    for (const [store, all] of Object.entries(results)) {
      const rss = spreadOf(all.map(({ rssMiB }) => rssMiB));
      const speed = spreadOf(all.map(({ megabytesPerSecond }) => megabytesPerSecond));
      const passed = all[0]?.passedAHeldOne ?? 0;
      rows.push({ store, inFlight, rss, speed, passed });
      if (json) continue;
      console.log(
        `${store}, ${String(inFlight).padStart(2)} in flight: resident memory grew by ` +
          `${rss.median.toFixed(0)} MiB (${rss.min.toFixed(0)} to ${rss.max.toFixed(0)}), ` +
          `${Math.round(speed.median)} MB/s; past a region that is held went ` +
          `${passed} of ${PAYLOADS} payloads`,
      );
    }
  }
  if (json) console.log(JSON.stringify(rows));
}

const { values } = parseArgs({
  options: {
    store: { type: 'string' },
    'in-flight': { type: 'string', default: '1' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const make = STORES[values.store ?? ''];
if (make === undefined) runAll(Number(values.rounds), values.json);
else {
  const carried = carry(make(), Number(values['in-flight']));
  const result: Result = { ...carried, passedAHeldOne: passAHeldOne(make()) };
  console.log(JSON.stringify(result));
}
