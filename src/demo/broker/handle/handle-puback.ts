import type { BrokerState } from '../broker-state.js';
import type { Connection } from '../connection.js';

const firstErrorCode = 0x80;

/** A client has taken a message, or refused it: it is not sent again either way. */
export function handlePuback(
  state: BrokerState,
  connection: Connection,
  packetId: number,
  reasonCode: number,
): void {
  const { session } = connection;
  if (session === undefined) return;
  const message = session.acknowledge(packetId);
  if (message === undefined) state.counters.unknownPubacks += 1;
  else if (reasonCode < firstErrorCode) state.counters.acknowledged += 1;
  else state.counters.refused += 1;
  state.hooks.onPuback?.(session.clientId, packetId, reasonCode, message);
}
