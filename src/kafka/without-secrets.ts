/* The last look at what a worker says: librdkafka and Kafka have texts of their own, and a Kafka may
 * repeat what it was sent.
 */
import type { FromWorker } from '../channel/protocol.js';
import type { KafkaCredentials } from '../secrets/kafka-credentials.js';
import { type Sealed, unseal } from '../secrets/sealed.js';

/** What is shorter stands in any text by chance. */
const TELLING_LENGTH = 3;

/** How many earlier values are looked for too: librdkafka may still speak of a connection made with them. */
const EARLIER_MAX = 8;

type Removal = (text: string) => string;

interface Removals {
  readonly of: Sealed<KafkaCredentials>;
  readonly ofOthers: Removal;
  readonly ofOurs: Removal;
}

/** Takes out of a message's text whatever a person's eye must not see. */
export class SecretsRemover {
  readonly #removals: Removals[] = [];

  constructor(sealed: Sealed<KafkaCredentials>) {
    this.hide(sealed);
  }

  /** Looks for these too from now on; the oldest are forgotten in the end. */
  hide(sealed: Sealed<KafkaCredentials>): void {
    const known = this.#removals.findIndex(({ of }) => of === sealed);
    const [removals = removalsOf(sealed)] = known < 0 ? [] : this.#removals.splice(known, 1);
    this.#removals.push(removals);
    if (this.#removals.length > EARLIER_MAX + 1) this.#removals.shift();
  }

  clean<M extends FromWorker>(message: M): M {
    switch (message.kind) {
      case 'log':
        return { ...message, text: this.#clean(message.text, 'ofOthers') };
      case 'consumer':
        return { ...message, detail: this.#clean(message.detail, 'ofOthers') };
      case 'kafka':
      case 'credentialsRefused':
        return { ...message, detail: this.#clean(message.detail, 'ofOurs') };
      default:
        return message;
    }
  }

  #clean(text: string, whose: 'ofOthers' | 'ofOurs'): string {
    return this.#removals.reduce((rest, removals) => removals[whose](rest), text);
  }
}

function removalsOf(sealed: Sealed<KafkaCredentials>): Removals {
  const { login, client, token } = unseal(sealed);
  return {
    of: sealed,
    ofOthers: without(login?.password, client?.passPhrase, token?.value, login?.username),
    // Our own words name no user, and a host may well be called as the user is.
    ofOurs: without(login?.password, client?.passPhrase, token?.value),
  };
}

function without(...values: readonly (string | undefined)[]): Removal {
  const telling = values.filter((value) => value !== undefined && value.length >= TELLING_LENGTH);
  return (text) =>
    telling.reduce<string>((rest, value) => rest.replaceAll(value as string, () => '...'), text);
}
