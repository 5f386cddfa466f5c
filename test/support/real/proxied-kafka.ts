import { type Kafka, type KafkaOptions, startKafka } from './kafka.js';
import type { Address } from './mosquitto-clients.js';
import { type Proxy as Line, startProxy } from './proxy.js';

/** Brokers whose clients come through a proxy each, while they speak to each other without one. */
export interface ProxiedKafka {
  /** Its `bootstrap` is without the proxies. */
  readonly kafka: Kafka;
  /** By broker, from 0. */
  readonly lines: readonly Line[];
  /** All brokers through the proxies. */
  readonly bootstrap: string;
  /** Ends brokers and proxies. */
  stop(): Promise<void>;
}

/** The listener for proxies lies behind the plain one: servers/kafka-config.sh. */
const PROXIED_OFFSET = 1;

/** Starts `brokers` of them on free ports. */
export async function startProxiedKafka(
  brokers: number,
  options: Omit<KafkaOptions, 'brokers' | 'advertisedPorts' | 'secure'> = {},
): Promise<ProxiedKafka> {
  let kafka: Kafka | undefined;
  const addressOf = (broker: number): Address => {
    if (kafka === undefined) throw new Error('a connection came before Kafka was there');
    const [host = '', port] = (kafka.bootstrap.split(',')[broker] ?? '').split(':');
    return { host, port: Number(port) + PROXIED_OFFSET };
  };
  const numbers = Array.from({ length: brokers }, (_, broker) => broker);
  const lines = await Promise.all(numbers.map((broker) => startProxy(() => addressOf(broker))));
  const close = () => Promise.all(lines.map((line) => line.close()));
  try {
    kafka = await startKafka({
      ...options,
      brokers,
      advertisedPorts: lines.map(({ port }) => port),
    });
  } catch (error) {
    await close();
    throw error;
  }
  const { stop } = kafka;
  return {
    kafka,
    lines,
    bootstrap: lines.map(({ host, port }) => `${host}:${port}`).join(),
    async stop() {
      await Promise.all([stop(), close()]);
    },
  };
}
