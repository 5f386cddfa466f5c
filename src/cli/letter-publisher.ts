/* The session over which `dead-letters replay` publishes what was on its way to MQTT. */
import { systemClock } from '../base/clock.js';
import { OperatingError } from '../base/errors.js';
import type { Connector } from '../config/model.js';
import type { LetterPublisher, ReplayPublish } from '../dead-letter/replay.js';
import type { ConnectionLossReason } from '../metrics/reasons.js';
import { addressOf, ConnectionFault } from '../mqtt/dial/connection-fault.js';
import { NO_MATCHING_SUBSCRIBERS } from '../mqtt/reason-code.js';
import { openPublishSender, type PublishSender } from '../mqtt/send/publish-sender.js';
import { tryMqttConnect } from '../mqtt/try-connect.js';
import { findRecordRoute, replayedPublish } from '../route/replayed-record.js';
import { type MqttCredentials, readMqttCredentials } from '../secrets/mqtt-credentials.js';
import type { Sealed } from '../secrets/sealed.js';
import type { SecretSource } from '../secrets/secret-source.js';

/**
 * Rejects where the broker of the connector does not answer within `timeoutMs`, and with a UsageError
 * where a secret cannot be used.
 */
export async function openLetterPublisher(
  connector: Connector,
  secrets: SecretSource,
  timeoutMs: number,
): Promise<LetterPublisher> {
  const credentials = await readMqttCredentials(connector.mqtt, secrets);
  const prefix = connector.clientIdPrefix === undefined ? '' : `${connector.clientIdPrefix}-`;
  // Not that of the connector, which may be running.
  const clientId = `${prefix}${connector.name}-dead-letters-${process.pid}`;
  await refuseHopeless(connector, credentials, clientId, timeoutMs);
  const sender = await openPublishSender({
    access: { connection: connector.mqtt, credentials: () => credentials },
    clientId,
    clock: systemClock,
    random: Math.random,
    timeoutMs,
  });
  return {
    publish: (publish) => send(connector, sender, publish),
    close: async () => sender.close(),
  };
}

/** What only a person can mend. */
const HOPELESS: ReadonlySet<ConnectionLossReason> = new Set(['tls', 'authentication', 'protocol']);

/** A session would try it again and again until the time is over. */
async function refuseHopeless(
  { mqtt }: Connector,
  credentials: Sealed<MqttCredentials>,
  clientId: string,
  timeoutMs: number,
): Promise<void> {
  try {
    await tryMqttConnect(mqtt, credentials, { clientId, timeoutMs });
  } catch (error) {
    if (!(error instanceof ConnectionFault)) throw error;
    if (!HOPELESS.has(error.lossReason)) return;
    throw refusal(`the MQTT broker at ${addressOf(mqtt)} cannot be used: ${error.message}`);
  }
}

async function send(
  connector: Connector,
  sender: PublishSender,
  letter: ReplayPublish,
): Promise<void> {
  const { topic, payload } = letter;
  const found = findRecordRoute(connector, letter.route);
  if (found === undefined) {
    const name = JSON.stringify(letter.route ?? '');
    throw refusal(`the configuration has no route ${name} from Kafka to MQTT, which it came by`);
  }
  const { map, route } = found;
  const publish = replayedPublish(
    { connector: connector.name, map, route, nowMs: systemClock.wallMs() },
    letter,
  );
  if (typeof publish === 'string') throw refusal(publish);
  const reasonCode = await sender.send({ topic, payload, ...publish });
  if (reasonCode === NO_MATCHING_SUBSCRIBERS && route.onNoSubscriber === 'hold') {
    throw refusal(`nobody has subscribed to ${topic}, and its route holds such messages`);
  }
}

function refusal(message: string): OperatingError {
  return new OperatingError('ERR_DEAD_LETTER_REPLAY', message);
}
