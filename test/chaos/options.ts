import { parseArgs } from 'node:util';
import { parse } from 'yaml';
import { ALL_FAULTS, chooseFaults } from './faults/all.js';
import type { BrokerName } from './servers.js';

export interface ChaosOptions {
  /** Of the first round; each later one has the next. */
  readonly seed: number;
  readonly minutes: number;
  readonly roundMinutes: number;
  /** Names of faults, or what they begin with; none: all that are possible. */
  readonly kinds: readonly string[];
  readonly acks: 'all' | 'one';
  readonly broker: BrokerName;
  readonly messagesPerSecond: number;
  readonly connector: Readonly<Record<string, unknown>>;
  readonly json: string | undefined;
}

export const USAGE = `npm run chaos -- [OPTION]...
  --minutes N          how long faults are injected, all rounds together (2)
  --round-minutes N    how long a round is at most; each has a seed and a verdict of its own (5)
  --seed N             of the first round, and of its faults (new each time)
  --faults KINDS       names, or what they begin with, separated by commas (all): ${ALL_FAULTS.map(({ name }) => name).join(', ')}
  --broker NAME        mosquitto or hivemq, which is slow (mosquitto)
  --acks all|one       kafkaAcks of the route (all)
  --rate N             messages a second (1500, with hivemq 300)
  --connector YAML     further fields of the KafkaConnector, such as '{storeAndForward: {mode: disk}}'
  --json FILE          writes the report there too`;

/** @throws with what is wrong and where */
export function readOptions(args: readonly string[]): ChaosOptions {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      ...{ minutes: text, 'round-minutes': text, seed: text, faults: text, acks: text },
      ...{ rate: text, broker: text, connector: text, json: text },
    },
  });
  const number = (name: keyof typeof values, fallback: number): number => {
    const value = Number(values[name] ?? fallback);
    if (!(value > 0)) throw new Error(`--${name}: '${values[name]}' is not a number above 0`);
    return value;
  };
  const { acks = 'all', faults = '', connector = '{}', json } = values;
  const { broker = 'mosquitto' } = values;
  if (acks !== 'all' && acks !== 'one') throw new Error(`--acks: '${acks}' is not all or one`);
  if (broker !== 'mosquitto' && broker !== 'hivemq')
    throw new Error(`--broker: '${broker}' is not mosquitto or hivemq`);
  const fields: unknown = parse(connector);
  if (typeof fields !== 'object' || fields === null)
    throw new Error(`--connector: '${connector}' is no YAML with fields`);
  const kinds = faults === '' ? [] : faults.split(',');
  chooseFaults(ALL_FAULTS, kinds);
  return {
    seed: number('seed', (Date.now() >>> 0) + 1) >>> 0,
    minutes: number('minutes', 2),
    roundMinutes: number('round-minutes', 5),
    ...{ kinds, acks, broker, json },
    messagesPerSecond: number('rate', broker === 'hivemq' ? 300 : 1500),
    connector: fields as Readonly<Record<string, unknown>>,
  };
}

/** The command that injects the faults of one round again. */
export function commandFor(options: ChaosOptions, seed: number): string {
  const words = [`npm run chaos -- --seed ${seed} --minutes ${roundMinutesOf(options)}`];
  if (options.kinds.length > 0) words.push(`--faults ${options.kinds}`);
  if (options.broker !== 'mosquitto') words.push(`--broker ${options.broker}`);
  if (options.acks !== 'all') words.push(`--acks ${options.acks}`);
  if (Object.keys(options.connector).length > 0)
    words.push(`--connector '${JSON.stringify(options.connector)}'`);
  return words.join(' ');
}

/** All rounds are as long as each other. */
export function roundMinutesOf({ minutes, roundMinutes }: ChaosOptions): number {
  return minutes / Math.ceil(minutes / roundMinutes);
}
