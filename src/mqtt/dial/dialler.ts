/* What an MQTT connection of the configuration is dialled with. */
import type { MqttConnection } from '../../config/model.js';
import type { MqttCredentials } from '../../secrets/mqtt-credentials.js';
import type { Sealed } from '../../secrets/sealed.js';
import { dialTcp } from './tcp.js';
import { dialTls } from './tls.js';
import type { Dial } from './transport.js';
import { dialWebSocket, type WebSocketTarget } from './websocket.js';

/** How to reach a broker, and what to show it. */
export interface MqttAccess {
  readonly connection: MqttConnection;
  /** Asked at every dial: new values are used from then on. */
  readonly credentials: () => Sealed<MqttCredentials>;
}

export function dialler(
  connection: WebSocketTarget,
  credentials: () => Sealed<MqttCredentials>,
): Dial {
  if (connection.webSocketPath !== undefined) {
    return (options) => dialWebSocket(connection, credentials(), options);
  }
  if (connection.tls === undefined) return dialTcp;
  return (options) => dialTls(connection, credentials(), options);
}
