/* Enhanced authentication, section 4.12, by the method K8S-SAT: the token of a Kubernetes service account
 * goes along in CONNECT, and a later one in an AUTH of its own.
 *
 *   idle --CONNECT--> authenticating --CONNACK--> authenticated --renew()--> renewing --AUTH 0x00--> authenticated
 *
 * While the server decides it may ask once for the token again (AUTH 0x18); everything else that it may
 * send by AUTH is not awaited, and ends the connection.
 */
import type { IAuthPacket } from 'mqtt-packet';
import type { Clock } from '../base/clock.js';
import { reasonText, SUCCESS } from './reason-code.js';

const METHOD = 'K8S-SAT';
const CONTINUE_AUTHENTICATION = 0x18;
const RE_AUTHENTICATE = 0x19;

interface AuthenticationProperties {
  readonly authenticationMethod: string;
  readonly authenticationData: Buffer;
}

export function authenticationProperties(token: string): AuthenticationProperties {
  return { authenticationMethod: METHOD, authenticationData: Buffer.from(token, 'latin1') };
}

type State = 'idle' | 'authenticating' | 'authenticated' | 'renewing';

/** That of one connection. */
export class EnhancedAuthentication {
  readonly #send: (packet: IAuthPacket) => void;
  #state: State = 'idle';
  #token = '';
  /** Whether the server may still ask for the token again. */
  #mayContinue = false;
  #onRenewed: (isAccepted: boolean) => void = () => {};
  #cancelTimeout: () => void = () => {};

  constructor(send: (packet: IAuthPacket) => void) {
    this.#send = send;
  }

  /** Whether the server decides about a token that `renew` sent. */
  get isRenewing(): boolean {
    return this.#state === 'renewing';
  }

  /** Whether there is a method to renew a token by. */
  get isAuthenticated(): boolean {
    return this.#state === 'authenticated';
  }

  /** CONNECT has gone with this token. */
  onConnect(token: string): void {
    this.#token = token;
    this.#state = 'authenticating';
    this.#mayContinue = true;
  }

  /** CONNACK accepts the connection; `method` is what it names. What is wrong with that, or undefined. */
  onConnack(method: string | undefined): string | undefined {
    // Some leave it out, against [MQTT-4.12.0-5], which harms nobody.
    if (method !== undefined && (this.#state === 'idle' || method !== METHOD)) {
      return 'a CONNACK with an Authentication Method that CONNECT did not name';
    }
    this.#mayContinue = false;
    if (this.#state === 'authenticating') this.#state = 'authenticated';
    return undefined;
  }

  /**
   * Offers a new token on the open connection. Resolves with whether the server has accepted it within
   * `timeoutMs` of `clock`, in which its answer can be seen; false where the connection ends before.
   */
  renew(token: string, clock: Pick<Clock, 'after'>, timeoutMs: number): Promise<boolean> {
    this.#token = token;
    this.#state = 'renewing';
    this.#mayContinue = true;
    return new Promise((resolve) => {
      this.#cancelTimeout = clock.after(timeoutMs, () => this.#renewed(false));
      this.#onRenewed = resolve;
      this.#send(this.#auth(RE_AUTHENTICATE));
    });
  }

  /** What is wrong with an AUTH of the server's; undefined where it is right. */
  onAuth({ reasonCode, properties }: IAuthPacket): string | undefined {
    if (this.#state === 'idle') return 'an AUTH, although CONNECT named no Authentication Method';
    // [MQTT-4.12.0-5]
    if (properties?.authenticationMethod !== METHOD) return 'an AUTH of another method';
    if (reasonCode === CONTINUE_AUTHENTICATION && this.#mayContinue) {
      this.#mayContinue = false;
      // [MQTT-4.12.0-3]
      this.#send(this.#auth(CONTINUE_AUTHENTICATION));
      return undefined;
    }
    if (reasonCode === SUCCESS && this.#state === 'renewing') {
      this.#renewed(true);
      return undefined;
    }
    return `an AUTH with ${reasonText(reasonCode)} that nobody awaits`;
  }

  /** The connection is over. */
  onClosed(): void {
    if (this.#state === 'renewing') this.#renewed(false);
    this.#state = 'idle';
    this.#token = '';
  }

  #renewed(isAccepted: boolean): void {
    this.#cancelTimeout();
    this.#state = 'authenticated';
    this.#mayContinue = false;
    this.#onRenewed(isAccepted);
  }

  #auth(reasonCode: number): IAuthPacket {
    return { cmd: 'auth', reasonCode, properties: authenticationProperties(this.#token) };
  }
}
