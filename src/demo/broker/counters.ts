/** Why a message was given up, for one session each. */
export interface DropCounters {
  /** The session's queue was at its limit: the newest goes. */
  queueFull: number;
  /** At QoS 0 for a session without a connection. */
  offline: number;
  /** Larger than the client's Maximum Packet Size [MQTT-3.1.2-25]. */
  tooLarge: number;
  expired: number;
  /** Queued or in flight when the session ended. */
  sessionEnded: number;
  /** A retained message that the store had no place for. */
  retainedFull: number;
}

export interface Counters {
  /** Messages accepted, from clients and from inside. */
  published: number;
  /** Of these, from clients. */
  received: number;
  /** PUBLISH packets sent for the first time. */
  delivered: number;
  /** PUBLISH packets sent again, with DUP. */
  redelivered: number;
  /** PUBACKs with a reason code below 0x80. */
  acknowledged: number;
  /** PUBACKs with a reason code of 0x80 or above. */
  refused: number;
  /** PUBACKs for a packet identifier that is not in flight. */
  unknownPubacks: number;
  connections: number;
  connectionsRefused: number;
  sessionsResumed: number;
  sessionsTakenOver: number;
  sessionsExpired: number;
  /** DISCONNECTs sent for malformed packets and protocol errors. */
  protocolErrors: number;
  readonly dropped: DropCounters;
}

export function createCounters(): Counters {
  return {
    published: 0,
    received: 0,
    delivered: 0,
    redelivered: 0,
    acknowledged: 0,
    refused: 0,
    unknownPubacks: 0,
    connections: 0,
    connectionsRefused: 0,
    sessionsResumed: 0,
    sessionsTakenOver: 0,
    sessionsExpired: 0,
    protocolErrors: 0,
    dropped: {
      queueFull: 0,
      offline: 0,
      tooLarge: 0,
      expired: 0,
      sessionEnded: 0,
      retainedFull: 0,
    },
  };
}
