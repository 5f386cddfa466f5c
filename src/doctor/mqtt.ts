/* The steps of the MQTT side. Both connections have a client identifier of their own, begin clean, and leave
 * no session behind.
 */
import { randomBytes } from 'node:crypto';
import { UsageError } from '../base/errors.js';
import type { Connector } from '../config/model.js';
import { missingFeature, type ServerLimits } from '../mqtt/connack.js';
import { addressOf, ConnectionFault } from '../mqtt/dial/connection-fault.js';
import type { TriedFilter } from '../mqtt/filter-trial.js';
import { CLIENT_IDENTIFIER_NOT_VALID } from '../mqtt/reason-code.js';
import type { Subscription } from '../mqtt/subscriptions.js';
import { type MqttTrialOutcome, tryMqtt } from '../mqtt/try-connect.js';
import { type MqttCredentials, readMqttCredentials } from '../secrets/mqtt-credentials.js';
import { type Sealed, unseal } from '../secrets/sealed.js';
import type { SecretSource } from '../secrets/secret-source.js';
import { clientExpiryWarnings } from './certificates.js';
import { checkEndPoint, type Limits } from './end-point.js';
import { limitsText, limitWarnings, type MqttNeeds, mqttNeeds } from './mqtt-limits.js';
import type { Check, Steps } from './report.js';
import { FAILED_BEFORE } from './words.js';

const AFTER_END_POINT: readonly Check[] = ['connect', 'limits'];

export async function checkMqtt(
  steps: Steps,
  connector: Connector,
  secrets: SecretSource,
  limits: Limits,
): Promise<void> {
  const { mqtt } = connector;
  const needs = mqttNeeds(connector);
  const address = addressOf(mqtt);
  const credentials = await readSecrets(steps, connector, secrets, limits);
  const isReached = await checkEndPoint(steps, { target: mqtt, credentials }, limits);
  const granted =
    isReached && credentials !== undefined
      ? await checkConnect(steps, connector, credentials, limits)
      : steps.skip(AFTER_END_POINT, address, FAILED_BEFORE);
  if (granted === undefined || credentials === undefined) {
    for (const { filter } of needs.subscriptions) steps.skip(['subscribe'], filter, FAILED_BEFORE);
    return;
  }
  checkLimits(steps, connector, granted, needs);
  await checkFilters(steps, connector, credentials, needs.subscriptions, limits);
}

async function readSecrets(
  steps: Steps,
  { mqtt }: Connector,
  secrets: SecretSource,
  { clock }: Limits,
): Promise<Sealed<MqttCredentials> | undefined> {
  const { authentication, tls } = mqtt;
  const names = [
    tls?.caConfigMap && `ConfigMap ${tls.caConfigMap}`,
    'secretName' in authentication && `Secret ${authentication.secretName}`,
    authentication.kind === 'kubernetes' && 'service account token',
  ].filter((name) => typeof name === 'string');
  try {
    const credentials = await readMqttCredentials(mqtt, secrets);
    const { client, serviceAccountToken } = unseal(credentials);
    if (authentication.kind === 'kubernetes' && serviceAccountToken === undefined) names.pop();
    if (names.length > 0) steps.add('passed', 'secrets', names.join(', '), 'can be read');
    for (const text of clientExpiryWarnings(client, clock.wallMs()))
      steps.add('warning', 'secrets', names.join(', '), text);
    return credentials;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    steps.add('failed', 'secrets', names.join(', '), error.message);
    return undefined;
  }
}

function clientIdOf({ name, clientIdPrefix }: Connector): string {
  const parts = [clientIdPrefix, name, 'doctor', randomBytes(4).toString('hex')];
  return parts.filter((part) => part !== undefined).join('-');
}

/** A connection with nothing on it that asks for as long a session as the bridge does. */
async function checkConnect(
  steps: Steps,
  connector: Connector,
  credentials: Sealed<MqttCredentials>,
  { timeoutMs, clock }: Limits,
): Promise<ServerLimits | undefined> {
  const address = addressOf(connector.mqtt);
  const clientId = clientIdOf(connector);
  const { sessionExpirySeconds } = connector.mqtt;
  const trial = { clientId, timeoutMs, sessionExpirySeconds, subscriptions: [] };
  try {
    const { limits } = await tryMqtt(connector.mqtt, credentials, trial, clock);
    steps.add('passed', 'connect', address, `accepted as ${clientId}`);
    return limits;
  } catch (error) {
    if (!(error instanceof ConnectionFault)) throw error;
    steps.add('failed', 'connect', address, `${error.message}${clientIdHint(error, clientId)}`);
    steps.skip(['limits'], address, FAILED_BEFORE);
    return undefined;
  }
}

function clientIdHint({ reasonCode }: ConnectionFault, clientId: string): string {
  if (reasonCode !== CLIENT_IDENTIFIER_NOT_VALID) return '';
  return `: the broker takes only client identifiers that it knows, so that it cannot be tried as ${clientId}`;
}

function checkLimits(
  steps: Steps,
  connector: Connector,
  granted: ServerLimits,
  { subscriptions, publishing }: MqttNeeds,
): void {
  const address = addressOf(connector.mqtt);
  const missing = missingFeature(granted, subscriptions, publishing);
  if (missing !== undefined) {
    steps.add('failed', 'limits', address, missing);
  } else {
    steps.add('passed', 'limits', address, limitsText(granted, connector));
  }
  for (const text of limitWarnings(granted, connector))
    steps.add('warning', 'limits', address, text);
}

async function checkFilters(
  steps: Steps,
  connector: Connector,
  credentials: Sealed<MqttCredentials>,
  subscriptions: readonly Subscription[],
  { timeoutMs, clock }: Limits,
): Promise<void> {
  if (subscriptions.length === 0) return;
  const tried = subscriptions.map((each) => ({ ...each, filter: withoutShare(each.filter) }));
  const trial = {
    clientId: clientIdOf(connector),
    timeoutMs,
    sessionExpirySeconds: 0,
    subscriptions: tried,
  };
  const outcome = await tryMqtt(connector.mqtt, credentials, trial, clock).catch(faultOnly);
  if (outcome instanceof ConnectionFault) {
    steps.add('failed', 'connect', addressOf(connector.mqtt), outcome.message);
  }
  for (const [index, subscription] of subscriptions.entries()) {
    const { filter } = subscription;
    const found = outcome instanceof ConnectionFault ? undefined : outcome.filters[index];
    if (found === undefined) steps.skip(['subscribe'], filter, FAILED_BEFORE);
    else addFilter(steps, subscription, found);
  }
}

function faultOnly(error: unknown): ConnectionFault | MqttTrialOutcome {
  if (error instanceof ConnectionFault) return error;
  throw error;
}

function addFilter(steps: Steps, { filter, qos }: Subscription, found: TriedFilter): void {
  const plain = withoutShare(filter);
  const tried = plain === filter ? '' : ` (tried without its group, as ${plain})`;
  if (found.kind === 'lost') {
    const text = `${found.reason}${tried}: some brokers end the connection where a filter is not allowed`;
    steps.add('failed', 'subscribe', filter, `${text}; look at the rights of this user`);
  } else if (found.kind === 'refused') {
    const text = `the broker refuses it: ${found.reason}${tried}; give this user the right to read it`;
    steps.add('failed', 'subscribe', filter, text);
  } else if (found.qos < qos) {
    const text = `granted with QoS ${found.qos}, not ${qos}${tried}: messages may be lost on their way here`;
    steps.add('warning', 'subscribe', filter, text);
  } else steps.add('passed', 'subscribe', filter, `granted with QoS ${found.qos}${tried}`);
}

/** A member of a shared subscription would take messages from the others. */
function withoutShare(filter: string): string {
  return filter.replace(/^\$share\/[^/]+\//, '');
}
