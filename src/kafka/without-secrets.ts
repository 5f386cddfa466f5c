/* The last look at what a worker says: librdkafka and Kafka have texts of their own, and a Kafka may
 * repeat what it was sent.
 */
import type { FromWorker } from '../channel/protocol.js';
import type { KafkaCredentials } from '../secrets/kafka-credentials.js';
import { type Sealed, unseal } from '../secrets/sealed.js';
import { ValuesRemover } from '../secrets/values-remover.js';

/** Takes out of a message's text whatever a person's eye must not see. */
export class SecretsRemover {
  readonly #ofOthers = new ValuesRemover();
  /** Our own words name no user, and a host may well be called as the user is. */
  readonly #ofOurs = new ValuesRemover();

  constructor(sealed: Sealed<KafkaCredentials>) {
    this.hide(sealed);
  }

  /** Looks for these too from now on; the oldest are forgotten in the end. */
  hide(sealed: Sealed<KafkaCredentials>): void {
    const { login, client, token } = unseal(sealed);
    const secrets = [login?.password, client?.passPhrase, token?.value];
    this.#ofOthers.hide(sealed, [...secrets, login?.username]);
    this.#ofOurs.hide(sealed, secrets);
  }

  clean<M extends FromWorker>(message: M): M {
    switch (message.kind) {
      case 'log':
        return { ...message, text: this.#ofOthers.clean(message.text) };
      case 'consumer':
        return { ...message, detail: this.#ofOthers.clean(message.detail) };
      case 'kafka':
      case 'credentialsRefused':
      case 'credentialsUntried':
        return { ...message, detail: this.#ofOurs.clean(message.detail) };
      default:
        return message;
    }
  }
}
