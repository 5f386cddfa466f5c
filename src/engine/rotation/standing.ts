/* Standing: what is said of the values that one side's connections are made with: in the log and the
 * metrics once for each reason, in readiness for as long as it is so.
 */
import type { CredentialEvents } from '../../metrics/credential-events.js';

export interface StandingOptions {
  readonly events: CredentialEvents;
  /** For readiness: why new values are not in service; undefined: the newest are. */
  readonly onTrouble: (detail: string | undefined) => void;
}

export class Standing {
  readonly #options: StandingOptions;
  /** Of values that were read. */
  #trouble: string | undefined;
  /** Of values that cannot even be read. */
  #unusable: string | undefined;
  /** The sort of trouble that was told of them. */
  #told: string | undefined;

  constructor(options: StandingOptions) {
    this.#options = options;
  }

  /** There are other values, of which nothing is known yet. */
  changeFound(): void {
    this.#options.events.changeFound();
    this.#set(undefined);
  }

  /** @param reason what sort of refusal: the same one again is no news, whatever the words */
  refused(reason: string, detail: string): void {
    if (this.#told !== reason) this.#options.events.refused(detail);
    this.#set(detail, reason);
  }

  /** Whether they work cannot be seen now. */
  untried(reason: string, detail: string): void {
    if (this.#told !== reason) this.#options.events.untried(detail);
    this.#set(`they cannot be tried yet: ${detail}`, reason);
  }

  inService(): void {
    this.#options.events.inService();
    this.#set(undefined);
  }

  /** What is in service is the newest again. */
  withdrawn(): void {
    this.#options.events.withdrawn();
    this.#set(undefined);
  }

  /** What there is now cannot be used, as far as Millrace can see by itself. */
  unusable(detail: string): void {
    this.#options.events.refused(detail);
    this.#unusable = detail;
    this.#show();
  }

  /** After `unusable`. */
  usable(): void {
    this.#unusable = undefined;
    if (this.#trouble === undefined) this.#options.events.withdrawn();
    this.#show();
  }

  #set(trouble: string | undefined, told?: string): void {
    this.#trouble = trouble;
    this.#told = told;
    this.#show();
  }

  #show(): void {
    this.#options.onTrouble(this.#unusable ?? this.#trouble);
  }
}
