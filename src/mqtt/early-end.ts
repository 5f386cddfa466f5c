/* The end of a connection between CONNECT and CONNACK: a broker says nothing then to whom it does not
 * understand.
 */
import type { MqttConnection } from '../config/model.js';
import type { Closed } from './connection.js';
import { earlyEndHint } from './dial/connection-fault.js';
import { MALFORMED_PACKET } from './reason-code.js';

/** `closed` with what may be behind it, where the other side did not say. */
export function earlyEnd(
  closed: Closed,
  security: Pick<MqttConnection, 'tls' | 'authentication'>,
): Closed {
  const { reason, reasonCode, lossReason } = closed;
  const isSilent =
    reasonCode === undefined && (lossReason === 'closed' || lossReason === 'network');
  // An alert of TLS is no packet.
  const isForeign = reasonCode === MALFORMED_PACKET && security.tls === undefined;
  if (!isSilent && !isForeign) return closed;
  const told = `${reason} before its CONNACK: ${earlyEndHint(security)}`;
  return { ...closed, reason: told, lossReason: 'protocol' };
}
