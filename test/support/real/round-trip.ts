import type { Test } from 'tap';
import type { RunningConnector } from '../connector.js';
import type { MapSpec } from '../resources.js';
import { until } from '../until.js';
import type { Mosquitto } from './mosquitto.js';
import { publishPayload, subscribe } from './mosquitto-clients.js';

/* A connector with a route each way, which messages go through from MQTT to Kafka and back, and what it says
 * where it cannot connect for that.
 */

const LOG_CHARS = 4_000;
const DEADLINE_MS = 60_000;

/** From `in/NAME` to the Kafka topic, and from there to `out/NAME`. */
export function roundTrip(name: string, kafkaTopic: string): MapSpec {
  return {
    routes: [
      { name: `${name}-in`, mqttTopic: `in/${name}`, kafkaTopic },
      { direction: 'kafkaToMqtt', name: `${name}-out`, kafkaTopic, mqttTopic: `out/${name}` },
    ],
  };
}

/** A function that sends a message through `roundTrip(name)` and waits until it has come back. */
export async function carrier(
  t: Test,
  mosquitto: Mosquitto,
  name: string,
  bridge: RunningConnector,
): Promise<(payload: string | Buffer) => Promise<void>> {
  const out = await subscribe(mosquitto, { filters: [`out/${name}`], qos: 1 });
  t.teardown(() => out.stop());
  return async (payload) => {
    const bytes = Buffer.from(payload);
    await publishPayload(mosquitto, `in/${name}`, { payload, qos: 1 });
    await until(
      `${bytes.toString('utf8', 0, 100)} comes back`,
      () => out.messages.some((message) => message.payload.equals(bytes)),
      { detail: () => bridge.log().slice(-LOG_CHARS) },
    );
  };
}

export interface Loss {
  readonly side: 'mqtt' | 'kafka';
  /** As the metric has it. */
  readonly reason: string;
  /** For people, as the log has it, and as a part of what /readyz has. */
  readonly text: string;
  /** The whole of what /readyz has, where that is looked for. */
  readonly message?: string;
}

/** Checks that /readyz, the log and the metrics say why a connection cannot be made, and end it. */
export async function saysWhatIsWrong(t: Test, bridge: RunningConnector, loss: Loss) {
  const { side, reason, text, message } = loss;
  let said: readonly string[] = [];
  await until(
    `/readyz says: ${message ?? text}`,
    async () => {
      const { reasons } = await bridge.health();
      said = reasons.map((each) => each.message);
      return said.some(
        (each) => each === message || (message === undefined && each.includes(text)),
      );
    },
    {
      pollMs: 50,
      deadlineMs: DEADLINE_MS,
      detail: () => ({ said, log: bridge.log().slice(-LOG_CHARS) }),
    },
  );
  const losses = await bridge.metric('millrace_connection_losses_total', { side, reason });
  t.ok(losses > 0, `counted as ${reason}`);
  t.match(bridge.log(), JSON.stringify(text).slice(1, -1));
  t.notMatch(bridge.log(), /planted/);
  t.equal(await bridge.terminate(), 0);
}
