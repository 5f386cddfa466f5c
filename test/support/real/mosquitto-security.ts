import { certificateOf } from './kafka-security.js';
import type { Mosquitto } from './mosquitto.js';

/* What `mosquitto up --secure` has besides its plain listener (test/real/servers/mosquitto). */

const LISTENERS = {
  plain: { offset: 0, scheme: 'mqtt' },
  tls: { offset: 1, scheme: 'mqtts' },
  mtls: { offset: 2, scheme: 'mqtts' },
  password: { offset: 3, scheme: 'mqtt' },
  ws: { offset: 4, scheme: 'ws' },
  wss: { offset: 5, scheme: 'wss' },
  expired: { offset: 6, scheme: 'mqtts' },
  otherName: { offset: 7, scheme: 'mqtts' },
} as const;
export type MqttListener = keyof typeof LISTENERS;

export const MQTT_USER = 'bridge';
export const MQTT_PASSWORD = 'bridge-secret';

export function mqttAddress({ host, port }: Mosquitto, listener: MqttListener): string {
  return `${host}:${port + LISTENERS[listener].offset}`;
}

/** As `localBrokerConnection.endpoint` has it; `scheme` where it is not the listener's own. */
export function mqttEndpoint(
  mosquitto: Mosquitto,
  listener: MqttListener,
  scheme: string = LISTENERS[listener].scheme,
): string {
  return `${scheme}://${mqttAddress(mosquitto, listener)}`;
}

/** One of the files that the script makes, such as `ca.pem` and `client.key`. */
export function mqttCertificateFile({ port }: Mosquitto, name: string): Promise<string> {
  return certificateOf('mosquitto', port, name);
}
