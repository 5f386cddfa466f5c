interface BrokerStatistics {
  readonly state?: string;
  /** Negative for an address of the configuration, before it is known which broker answers there. */
  readonly nodeid?: number;
}

interface Statistics {
  readonly brokers?: Readonly<Record<string, BrokerStatistics>>;
}

/** Which clients of a worker are connected to Kafka. One that has nothing to send may have no connection,
 * so a single one that has is enough to know that Kafka is there. */
export class Connections {
  readonly #up = new Map<number, boolean>();

  /** Whether any client is connected, now that this one has told of itself; undefined: it is no more. */
  update(
    client: number,
    statistics: string | undefined,
    isOpen: (client: number) => boolean,
  ): boolean {
    const before = this.#up.get(client) === true;
    const up = statistics === undefined ? false : (isConnected(statistics) ?? before);
    this.#up.set(client, up);
    for (const other of this.#up.keys()) if (!isOpen(other)) this.#up.delete(other);
    return [...this.#up.values()].includes(true);
  }
}

/**
 * Whether records of a producer can get away, from librdkafka's statistics (STATISTICS.md); undefined
 * where they say neither.
 *
 * After an outage an address of the configuration answers first, tells of the cluster's brokers, and
 * is left then; the brokers that records are for may be waited for up to five seconds more
 * (`reconnect.backoff.max.ms`). So while one of these is wanted, only they count.
 */
export function isConnected(json: string): boolean | undefined {
  const brokers = brokersOf(json);
  const known = brokers.filter(({ nodeid = -1 }) => nodeid >= 0);
  if (known.some(isUp)) return true;
  // INIT: nobody wants it now, and so librdkafka does not connect to it.
  if (known.some(({ state }) => state !== 'INIT')) return false;
  if (brokers.some(isUp)) return true;
  return known.length > 0 && known.length === brokers.length ? undefined : false;
}

/** How many brokers librdkafka is connected to, from its statistics. */
export function brokersUp(json: string): number {
  return brokersOf(json).filter(isUp).length;
}

function brokersOf(json: string): readonly BrokerStatistics[] {
  const { brokers = {} } = JSON.parse(json) as Statistics;
  return Object.values(brokers);
}

function isUp({ state }: BrokerStatistics): boolean {
  return state === 'UP';
}
