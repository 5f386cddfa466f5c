interface Statistics {
  readonly brokers?: Readonly<
    Record<string, { readonly state?: string; readonly nodeid?: number }>
  >;
}

/** How many brokers librdkafka is connected to, from its statistics (STATISTICS.md). */
export function brokersUp(json: string): number {
  const { brokers = {} } = JSON.parse(json) as Statistics;
  return Object.values(brokers).filter((broker) => broker.state === 'UP').length;
}
