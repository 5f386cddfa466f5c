interface Statistics {
  readonly brokers?: Readonly<
    Record<string, { readonly state?: string; readonly nodeid?: number }>
  >;
}

/** Which producers are connected to Kafka. One that has nothing to send may have no connection, so a
 * single one that has is enough to know that Kafka is there. */
export class Connections {
  readonly #up = new Map<number, boolean>();

  /** Whether any producer is connected, now that this one has told of itself. */
  update(producer: number, statistics: string, isOpen: (producer: number) => boolean): boolean {
    this.#up.set(producer, brokersUp(statistics) > 0);
    for (const other of this.#up.keys()) if (!isOpen(other)) this.#up.delete(other);
    return [...this.#up.values()].includes(true);
  }
}

/** How many brokers librdkafka is connected to, from its statistics (STATISTICS.md). */
export function brokersUp(json: string): number {
  const { brokers = {} } = JSON.parse(json) as Statistics;
  return Object.values(brokers).filter((broker) => broker.state === 'UP').length;
}
