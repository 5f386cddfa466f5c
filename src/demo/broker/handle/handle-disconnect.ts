import type { IDisconnectPacket } from 'mqtt-packet';
import type { BrokerState } from '../broker-state.js';
import type { Connection } from '../connection.js';
import { ReasonCode } from '../wire/reason-code.js';

/** The client leaves; it may change its Session Expiry Interval once more. */
export function handleDisconnect(
  state: BrokerState,
  connection: Connection,
  packet: IDisconnectPacket,
): void {
  const { session } = connection;
  const expirySeconds = packet.properties?.sessionExpiryInterval;
  if (session !== undefined && expirySeconds !== undefined) {
    // A session that was to end with its connection cannot become a lasting one [MQTT-3.14.2-2].
    if (session.expirySeconds === 0 && expirySeconds !== 0) {
      connection.fail(ReasonCode.protocolError);
      return;
    }
    session.expirySeconds =
      expirySeconds === 0 ? 0 : (state.settings.sessionExpiryInterval ?? expirySeconds);
  }
  connection.end(packet.reasonCode ?? ReasonCode.success);
}
