import type { MqttConnection } from '../../src/config/model.js';
import type { MqttCredentials } from '../../src/secrets/mqtt-credentials.js';
import { seal } from '../../src/secrets/sealed.js';

export const NO_MQTT_CREDENTIALS = seal<MqttCredentials>({});

/** A connection without TLS and login, but for `changes`. */
export function mqttConnection(changes: Partial<MqttConnection> = {}): MqttConnection {
  return {
    host: '127.0.0.1',
    port: 1883,
    webSocketPath: undefined,
    tls: undefined,
    authentication: { kind: 'none' },
    alpnProtocols: [],
    keepAliveSeconds: 60,
    sessionExpirySeconds: 0,
    receiveMaximum: 8_000,
    ...changes,
  };
}
