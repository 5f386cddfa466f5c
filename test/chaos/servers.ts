import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mosquitto, startMosquitto } from '../support/real/mosquitto.js';
import { type ProxiedKafka, startProxiedKafka } from '../support/real/proxied-kafka.js';
import { type Proxy as Line, startProxy } from '../support/real/proxy.js';
import { BROKERS } from './faults/kafka.js';

/** What all rounds of a run have in common. */
export interface ChaosServers {
  readonly kafka: ProxiedKafka;
  readonly broker: Mosquitto;
  readonly mqttLine: Line;
  /** For what a round leaves on disk. */
  readonly folder: string;
  /** A number that no other round has. */
  nextRound(): number;
  /** How often the MQTT broker has begun to drop messages, by its log: a full queue makes a run void. */
  dropped(): Promise<number>;
  stop(): Promise<void>;
}

const DROPS = /Outgoing messages are being dropped for client/g;
const MAX_MESSAGE = '4M';

/** Three brokers of Kafka and mosquitto, each behind a proxy. */
export async function startChaosServers(
  mosquittoSettings: readonly string[] = [],
): Promise<ChaosServers> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
  const [kafka, broker] = await Promise.all([
    startProxiedKafka(BROKERS, { maxMessage: MAX_MESSAGE }),
    startMosquitto({ settings: mosquittoSettings }),
  ]);
  const mqttLine = await startProxy(broker);
  let rounds = 0;
  return {
    ...{ kafka, broker, mqttLine, folder },
    nextRound: () => rounds++,
    dropped: async () => ((await broker.log()).match(DROPS) ?? []).length,
    async stop() {
      await Promise.all([kafka.stop(), broker.stop(), mqttLine.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
