interface BrokerStatistics {
  readonly state?: string;
  /** Negative for an address of the configuration, before it is known which broker answers there. */
  readonly nodeid?: number;
  /** Host and port, as Kafka advertises them. */
  readonly nodename?: string;
  readonly source?: string;
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

export interface KnownBroker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

/** The brokers that Kafka has told of, by their ids, from librdkafka's statistics. */
export function brokersKnown(json: string): readonly KnownBroker[] {
  return brokersOf(json)
    .flatMap(({ nodeid = -1, nodename = '', source }) => {
      const found = /^(.+):(\d{1,5})$/.exec(nodename);
      // Logical: a group's coordinator, which is one of the others.
      if (nodeid < 0 || source === 'logical' || found === null) return [];
      return [{ id: nodeid, host: found[1] as string, port: Number(found[2]) }];
    })
    .sort((a, b) => a.id - b.id);
}

function brokersOf(json: string): readonly BrokerStatistics[] {
  try {
    const { brokers = {} } = JSON.parse(json) as Statistics;
    return Object.values(brokers);
  } catch {
    // librdkafka writes the names that a server gives its brokers as they are: quotes end the text early.
    return [];
  }
}

function isUp({ state }: BrokerStatistics): boolean {
  return state === 'UP';
}
