/* Presets of `millrace bench`: options that go together, each as it would be written. */
import type { Command } from 'commander';

export interface Preset {
  readonly about: string;
  readonly args: readonly string[];
}

export const PRESETS: Readonly<Record<string, Preset>> = {
  edge: {
    about: '1,000 devices of a site',
    args: ['--topics=1000', '--rate=5000', '--payload-bytes=200'],
  },
  plant: {
    about: '10,000 topics of a plant',
    args: ['--topics=10000', '--rate=50000', '--payload-bytes=200'],
  },
  max: {
    about: 'small messages as fast as they are taken',
    args: ['--topics=1000', '--payload-bytes=200'],
  },
  large: {
    about: 'large payloads',
    // What is in flight has to be settled in the end: 8,000 of them would be 16 GB.
    args: ['--topics=1000', '--payload-bytes=2097152', '--receive-maximum=200'],
  },
  mixed: {
    about: 'mostly small payloads, some large',
    args: ['--topics=1000', '--payload=200:90%,4k:9%,2m:1%'],
  },
  'slow-kafka': {
    about: 'a Kafka that is far away',
    args: ['--topics=1000', '--payload-bytes=200', '--kafka-rtt-ms=200'],
  },
  scale: {
    about: 'how cost grows as the work grows: a series of benches',
    args: ['--warmup-seconds=2', '--seconds=5', '--repeat=3'],
  },
};

export const SCALE_QUICK_ARGS = ['--warmup-seconds=1', '--seconds=2', '--repeat=1'];

/** Both say how long payloads are, so that one that is given takes the place of either. */
const SAME: Readonly<Record<string, readonly string[]>> = {
  payload: ['payloadBytes'],
  payloadBytes: ['payload'],
  // A phase by count is none by time.
  messages: ['seconds'],
  seconds: ['messages'],
  warmupMessages: ['warmupSeconds'],
  warmupSeconds: ['warmupMessages'],
};

/** As `--preset` takes them, with what each sets. */
export function describePresets(): string {
  return Object.entries(PRESETS)
    .map(([name, { args }]) => `${name} (${args.join(' ')})`)
    .join('; ');
}

export interface Applied {
  /** What the preset gives to options that the command line does not. */
  readonly values: Readonly<Record<string, unknown>>;
  /** The same, as it would be written. */
  readonly args: readonly string[];
}

/**
 * Reads `args` with the options of `reader`, a command without an action, and leaves out what `given`,
 * the command line, has itself.
 */
export function applyArgs(args: readonly string[], reader: Command, given: Command): Applied {
  const ofUser = (name: string) => given.getOptionValueSource(name) === 'cli';
  const values: Record<string, unknown> = {};
  const applied: string[] = [];
  for (const arg of args) {
    const option = reader.options.find(({ long }) => long === arg.split('=')[0]);
    const name = option?.attributeName() ?? '';
    if (ofUser(name) || SAME[name]?.some(ofUser)) continue;
    applied.push(arg);
  }
  reader.parse(applied, { from: 'user' });
  for (const [name, value] of Object.entries(reader.opts())) {
    if (reader.getOptionValueSource(name) === 'cli') values[name] = value;
  }
  return { values, args: applied };
}
