/* The session over which `dead-letters replay` publishes what was on its way to MQTT. */
import { systemClock } from '../base/clock.js';
import { OperatingError } from '../base/errors.js';
import type { Connector } from '../config/model.js';
import type { LetterPublisher, ReplayPublish } from '../dead-letter/replay.js';
import { NO_MATCHING_SUBSCRIBERS } from '../mqtt/reason-code.js';
import { openPublishSender, type PublishSender } from '../mqtt/send/publish-sender.js';
import { findRecordRoute, replayedPublish } from '../route/replayed-record.js';

/** Rejects where the broker of the connector does not answer within `timeoutMs`. */
export async function openLetterPublisher(
  connector: Connector,
  timeoutMs: number,
): Promise<LetterPublisher> {
  const { tls, authentication, webSocketPath } = connector.mqtt;
  const isAnonymous =
    authentication.kind === 'none' ||
    (authentication.kind === 'kubernetes' && !authentication.required);
  if (tls !== undefined || !isAnonymous || webSocketPath !== undefined) {
    throw refusal('TLS, authentication and WebSocket to the MQTT broker are not supported yet');
  }
  const prefix = connector.clientIdPrefix === undefined ? '' : `${connector.clientIdPrefix}-`;
  const sender = await openPublishSender({
    connection: connector.mqtt,
    // Not that of the connector, which may be running.
    clientId: `${prefix}${connector.name}-dead-letters-${process.pid}`,
    clock: systemClock,
    random: Math.random,
    timeoutMs,
  });
  return {
    publish: (publish) => send(connector, sender, publish),
    close: async () => sender.close(),
  };
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
