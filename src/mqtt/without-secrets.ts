/* The last look at what a broker says in words: it may repeat what it was shown. */
import type { Packet } from 'mqtt-packet';
import type { MqttCredentials } from '../secrets/mqtt-credentials.js';
import { type Sealed, unseal } from '../secrets/sealed.js';
import { ValuesRemover } from '../secrets/values-remover.js';

/** Takes out of Reason Strings whatever a person's eye must not see. */
export class ReasonStrings {
  readonly #remover = new ValuesRemover();

  /** Looks for these too from now on; the oldest are forgotten in the end. */
  hide(sealed: Sealed<MqttCredentials>): void {
    const { login, client, serviceAccountToken } = unseal(sealed);
    const secrets = [login?.username, login?.password, client?.passPhrase, serviceAccountToken];
    this.#remover.hide(sealed, secrets);
  }

  /** The packet itself, with another Reason String where it has one. */
  clean(packet: Packet): Packet {
    const { properties } = packet as { properties?: { reasonString?: string } };
    if (properties?.reasonString !== undefined) {
      properties.reasonString = this.#remover.clean(properties.reasonString);
    }
    return packet;
  }
}
