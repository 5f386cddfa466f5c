import type { Random } from '../../support/random.js';
import type { Kafka } from '../../support/real/kafka.js';
import type { Fault } from './fault.js';

/* What happens to Kafka brokers themselves. Broker numbers count from 1. */

export const BROKERS = 3;
const ALL = Array.from({ length: BROKERS }, (_, index) => index + 1);

interface Manner {
  readonly down: (kafka: Kafka, broker: number) => Promise<void>;
  readonly up: (kafka: Kafka, broker: number) => Promise<void>;
}

const KILL: Manner = { down: (kafka, i) => kafka.kill(i), up: (kafka, i) => kafka.start(i) };
const SHUTDOWN: Manner = {
  down: (kafka, i) => kafka.shutdown(i),
  up: (kafka, i) => kafka.start(i),
};
const PAUSE: Manner = { down: (kafka, i) => kafka.pause(i), up: (kafka, i) => kafka.resume(i) };

function brokers(
  name: string,
  { down, up }: Manner,
  ms: Fault['ms'],
  which: (random: Random) => readonly number[],
): Fault {
  return {
    ...{ name, lane: 'kafka', ms, stopsKafka: true },
    async begin({ kafka: { kafka } }, random) {
      const chosen = which(random);
      await Promise.all(chosen.map((broker) => down(kafka, broker)));
      return async () => {
        await Promise.all(chosen.map((broker) => up(kafka, broker)));
      };
    },
  };
}

const one = (random: Random): number[] => [random.pick(ALL)];
const all = (): number[] => ALL;

export const KAFKA_FAULTS: readonly Fault[] = [
  brokers('kafka-kill', KILL, [0, 12_000], one),
  brokers('kafka-shutdown', SHUTDOWN, [0, 8000], one),
  // Beyond 9 s the others have given up on it.
  brokers('kafka-pause', PAUSE, [500, 14_000], one),
  brokers('kafka-all-kill', KILL, [0, 8000], all),
  brokers('kafka-all-pause', PAUSE, [500, 12_000], all),
];
