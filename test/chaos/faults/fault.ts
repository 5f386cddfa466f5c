import type { Random } from '../../support/random.js';
import type { MqttBroker } from '../../support/real/mqtt-broker.js';
import type { ProxiedKafka } from '../../support/real/proxied-kafka.js';
import type { Proxy as Line } from '../../support/real/proxy.js';
import type { SabotagedConnector } from '../sabotaged-connector.js';

/** What may go wrong at the same time: faults of one lane come one after the other. */
export type Lane = 'connector' | 'mqtt' | 'kafka' | 'disk';

/** Who there is to disturb. */
export interface Parties {
  readonly connector: SabotagedConnector;
  /** The MQTT broker. */
  readonly broker: MqttBroker;
  /** Between the connector and the MQTT broker; publishers have a connection without it. */
  readonly mqttLine: Line;
  readonly kafka: ProxiedKafka;
  /** The connector's. */
  readonly dataDir: string;
}

export interface Fault {
  readonly name: string;
  readonly lane: Lane;
  /** How long it lasts, at least and at most. */
  readonly ms: readonly [shortest: number, longest: number];
  /** A Kafka broker stops or stands still: with acks one it may forget what it has acknowledged. */
  readonly stopsKafka?: boolean;
  /**
   * Makes it begin, and resolves when it has, with what ends it.
   * @param random decides the rest: which broker, how slow
   * @param durationMs for what ends by itself
   */
  begin(parties: Parties, random: Random, durationMs: number): Promise<() => Promise<void>>;
}

export const nothingToEnd = async (): Promise<void> => {};
