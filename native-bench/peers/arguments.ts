/* The command line of the comparison. */
import { parseArgs } from 'node:util';
import { UsageError } from '../../src/base/errors.js';
import { CASES, type Case } from './cases.js';

export interface PeersArguments {
  readonly kafka: string;
  readonly cases: readonly Case[];
  readonly repeat: number;
  readonly seconds: number;
  readonly warmupSeconds: number;
  /** Peers that are asked for, beside those that always run. */
  readonly pahoAcks: boolean;
  readonly telegraf: boolean;
  readonly camel: boolean;
  /** Millrace is not run: to look at the peers alone. */
  readonly peersOnly: boolean;
  readonly json: boolean;
}

export const USAGE = `node dist/native-bench/peers/run.js --kafka HOST:PORT [options]
  --kafka HOST:PORT     a real Kafka, which all of them write to and read
  --case NAME           only this case, may be repeated: ${CASES.map(({ name }) => name).join(', ')}
  --repeat N            rounds, in which all take turns (default 3)
  --seconds N           measured in each (default 10)
  --warmup-seconds N    before that (default 3)
  --paho-acks           also the Go reference with paho.golang's own acknowledgement
  --telegraf, --camel   also Telegraf; also Kafka Connect with Camel
  --peers-only          without Millrace
  --json                JSON instead of the table`;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new UsageError(`--${name} must be a number above 0, not ${text}\n${USAGE}`);
}

function casesOf(names: readonly string[] | undefined): readonly Case[] {
  if (names === undefined) return CASES;
  return names.map((name) => {
    const found = CASES.find((candidate) => candidate.name === name);
    if (found !== undefined) return found;
    throw new UsageError(`there is no case ${name}\n${USAGE}`);
  });
}

/** Throws a UsageError that says what is wrong and how to use it. */
export function parseArguments(args: readonly string[]): PeersArguments {
  const values = valuesOf(args);
  const { kafka, telegraf, camel, json } = values;
  if (kafka === undefined) throw new UsageError(`--kafka HOST:PORT is needed\n${USAGE}`);
  const repeat = positive('repeat', values.repeat);
  if (!Number.isInteger(repeat)) throw new UsageError(`--repeat must be whole\n${USAGE}`);
  return {
    kafka,
    cases: casesOf(values.case),
    repeat,
    seconds: positive('seconds', values.seconds),
    warmupSeconds: positive('warmup-seconds', values['warmup-seconds']),
    pahoAcks: values['paho-acks'],
    telegraf,
    camel,
    peersOnly: values['peers-only'],
    json,
  };
}

function valuesOf(args: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        kafka: { type: 'string' },
        case: { type: 'string', multiple: true },
        repeat: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '10' },
        'warmup-seconds': { type: 'string', default: '3' },
        'paho-acks': { type: 'boolean', default: false },
        telegraf: { type: 'boolean', default: false },
        camel: { type: 'boolean', default: false },
        'peers-only': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
      },
    });
    return values;
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`);
  }
}
