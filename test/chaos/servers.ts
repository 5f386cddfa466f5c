import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHiveMQ } from '../support/real/hivemq.js';
import { startMosquitto } from '../support/real/mosquitto.js';
import type { MqttBroker } from '../support/real/mqtt-broker.js';
import { type ProxiedKafka, startProxiedKafka } from '../support/real/proxied-kafka.js';
import { type Proxy as Line, startProxy } from '../support/real/proxy.js';
import { BROKERS } from './faults/kafka.js';
import { InFlightMeter } from './in-flight-meter.js';
import { mountSmallDisk, type SmallDisk } from './small-disk.js';

/** What all rounds of a run have in common. */
export interface ChaosServers {
  readonly kafka: ProxiedKafka;
  readonly broker: MqttBroker;
  readonly mqttLine: Line;
  /** Of the connections through it. */
  readonly meter: InFlightMeter;
  /** For what a round leaves on disk. */
  readonly folder: string;
  /** For the data folder of the connector, where one can be mounted. */
  readonly disk: SmallDisk | undefined;
  /** A number that no other round has. */
  nextRound(): number;
  /** How often the MQTT broker has begun to drop messages, by its log: a full queue makes a run void. */
  dropped(): Promise<number>;
  stop(): Promise<void>;
}

export type BrokerName = 'mosquitto' | 'hivemq';

/** What mosquitto and HiveMQ say of it. */
const DROPS = /Outgoing messages are being dropped for client|Message dropped|was dropped/g;
const MAX_MESSAGE = '4M';
/** What may be in flight on a connection of the connector, and so what may come again when it ends. */
export const RECEIVE_MAXIMUM = 500;
const MOSQUITTO_SETTINGS = [`max_inflight_messages ${RECEIVE_MAXIMUM}`];

/** How often a broker has begun to drop messages, since it was started first. */
export async function dropsOf(broker: MqttBroker): Promise<number> {
  return ((await broker.log()).match(DROPS) ?? []).length;
}

/** mosquitto as the runs have it, with further settings. */
export function startChaosMosquitto(settings: readonly string[] = []): Promise<MqttBroker> {
  return startMosquitto({ settings: [...MOSQUITTO_SETTINGS, ...settings] });
}

/** The way to the MQTT broker, with a meter on it. */
export async function startMeasuredLine(
  broker: MqttBroker,
): Promise<Pick<ChaosServers, 'mqttLine' | 'meter'>> {
  const meter = new InFlightMeter();
  return { meter, mqttLine: await startProxy(broker, { observe: () => meter.observe() }) };
}

/** Three brokers of Kafka and an MQTT broker, each behind a proxy. */
export async function startChaosServers(name: BrokerName = 'mosquitto'): Promise<ChaosServers> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-chaos-'));
  const [kafka, broker] = await Promise.all([
    startProxiedKafka(BROKERS, { maxMessage: MAX_MESSAGE }),
    name === 'hivemq' ? startHiveMQ() : startChaosMosquitto(),
  ]);
  const measured = await startMeasuredLine(broker);
  const disk = await mountSmallDisk();
  let rounds = 0;
  return {
    ...{ kafka, broker, folder, disk, ...measured },
    nextRound: () => rounds++,
    dropped: () => dropsOf(broker),
    async stop() {
      await Promise.all([kafka.stop(), broker.stop(), measured.mqttLine.close()]);
      await disk?.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
