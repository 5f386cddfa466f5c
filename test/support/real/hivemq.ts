import { type MqttBroker, startMqttBroker } from './mqtt-broker.js';

/**
 * Starts HiveMQ Community Edition on a free port of 127.0.0.1; returns when it accepts connections. It
 * keeps what it has acknowledged when it is shut down, and not always when it is killed: test/real/hivemq.test.ts.
 */
export function startHiveMQ(settings: readonly string[] = []): Promise<MqttBroker> {
  return startMqttBroker(
    'hivemq',
    settings.flatMap((line) => ['--set', line]),
  );
}
