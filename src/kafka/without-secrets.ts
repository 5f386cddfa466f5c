/* The last look at what a worker says: librdkafka and Kafka have texts of their own, and a Kafka may
 * repeat what it was sent.
 */
import type { FromWorker } from '../channel/protocol.js';
import type { KafkaCredentials } from '../secrets/kafka-credentials.js';
import { type Sealed, unseal } from '../secrets/sealed.js';

/** What is shorter stands in any text by chance. */
const TELLING_LENGTH = 3;

/** A function that takes out of a message's text whatever a person's eye must not see. */
export function secretsRemover(
  sealed: Sealed<KafkaCredentials>,
): <M extends FromWorker>(message: M) => M {
  const { login, client } = unseal(sealed);
  const without = (...values: (string | undefined)[]) => {
    const telling = values.filter((value) => value !== undefined && value.length >= TELLING_LENGTH);
    return (text: string) =>
      telling.reduce<string>((rest, value) => rest.replaceAll(value as string, () => '...'), text);
  };
  const ofOthers = without(login?.password, client?.passPhrase, login?.username);
  // Our own words name no user, and a host may well be called as the user is.
  const ofOurs = without(login?.password, client?.passPhrase);
  return (message) => {
    if (message.kind === 'log') return { ...message, text: ofOthers(message.text) };
    if (message.kind === 'consumer') return { ...message, detail: ofOthers(message.detail) };
    return message.kind === 'kafka' ? { ...message, detail: ofOurs(message.detail) } : message;
  };
}
