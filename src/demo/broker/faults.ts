/** What a test asks the broker to do wrong, by client identifier; it outlives connections. */
export interface Faults {
  /** Clients that get no PUBLISH. */
  readonly heldPublishes: Set<string>;
  /** Clients whose PUBACKs are kept back. */
  readonly heldPubacks: Set<string>;
  /** Clients whose sockets are not read. */
  readonly pausedReading: Set<string>;
  /** The reason code with which every CONNECT is refused. */
  refusal: number | undefined;
}

export function createFaults(): Faults {
  return {
    heldPublishes: new Set(),
    heldPubacks: new Set(),
    pausedReading: new Set(),
    refusal: undefined,
  };
}
