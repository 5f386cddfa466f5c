/* What a live client of librdkafka logs in with: a token is set on each client that logs in by one as soon
 * as it is there, for no property carries a token; and a new login is set on clients that run.
 */
import type { KafkaCredentials } from '../secrets/kafka-credentials.js';
import { type Sealed, unseal } from '../secrets/sealed.js';
import type { Consumer, ShardProducers } from './addon.js';
import type { KafkaAccess } from './security-properties.js';

/** What the addon's producers and consumers have in common here. */
export type LoggedIn = Pick<Consumer, 'setCredentials' | 'setToken'>;

/**
 * Has a client log in with these from now on. Connections that it has stay as they are, until Kafka asks
 * for another login (connections.max.reauth.ms) or they end.
 * @returns what is wrong, for people, without the values
 */
export function logIn(
  client: LoggedIn,
  kafkaCredentials: Sealed<KafkaCredentials>,
): string | undefined {
  const { login, token } = unseal(kafkaCredentials);
  if (login !== undefined) return client.setCredentials(login.username, login.password);
  if (token === undefined) return undefined;
  return client.setToken(token.value, token.expiresAtMs, token.principal);
}

/** A producer of the addon's, by its index. */
export function producerAsClient(
  native: Pick<ShardProducers, 'setCredentials' | 'setToken'>,
  index: number,
): LoggedIn {
  return {
    setCredentials: (username, password) => native.setCredentials(index, username, password),
    setToken: (value, expiresAtMs, principal) =>
      native.setToken(index, value, expiresAtMs, principal),
  };
}

/** Opens a producer of the addon's; throws when librdkafka refuses a property. */
export function openProducer(
  native: ShardProducers,
  access: KafkaAccess,
  properties: Readonly<Record<string, string>>,
): number {
  const index = native.addProducer(properties);
  giveToken(producerAsClient(native, index), access);
  return index;
}

/**
 * Gives a client that was just opened its token, if it needs one and there is one that is good still.
 * Without one it waits for one (`logIn`), and says nothing.
 */
export function giveToken(client: LoggedIn, { kafka, kafkaCredentials }: KafkaAccess): void {
  if (kafka.authentication.kind === 'systemAssignedManagedIdentity')
    logIn(client, kafkaCredentials);
}

/**
 * What has to be another: what a client logs in with, or the client. That is so for another user too: on a
 * connection that is up Kafka takes none, and would end it.
 */
export function changeBetween(
  before: Sealed<KafkaCredentials>,
  after: Sealed<KafkaCredentials>,
): 'nothing' | 'login' | 'client' {
  const { login, token, ...rest } = unseal(before);
  const { login: nextLogin, token: nextToken, ...nextRest } = unseal(after);
  if (!isSame(rest, nextRest) || login?.username !== nextLogin?.username) return 'client';
  return isSame({ login, token }, { login: nextLogin, token: nextToken }) ? 'nothing' : 'login';
}

/** Of plain data whose keys were written in the same order. */
function isSame(before: object, after: object): boolean {
  return JSON.stringify(before) === JSON.stringify(after);
}
