/* MqttRotation: which credentials the sessions connect to the MQTT broker with. Main thread.
 *
 *   in service --offer--> trying --a connection with them works--> in service: sessions move, one by one
 *                          |  ^
 *                          v  |  backoff, or the broker is seen again
 *                         refused
 *
 * 1. New values are tried by a connection of their own, which nobody else's session notices. Where the broker
 *    takes no such client identifier, and for a service account token, which can be shown on an open
 *    connection, the first session tries them itself.
 * 2. A session that is refused with what is in service tries the newest next, and the other way about: so
 *    nobody is shut out because a trial says nothing.
 * 3. One session at a time is without a connection. Where one does not come back, the others stay.
 */
import type { Clock } from '../../base/clock.js';
import type { ConnectionLossReason } from '../../metrics/reasons.js';
import { Backoff } from '../../mqtt/backoff.js';
import { ConnectionFault } from '../../mqtt/dial/connection-fault.js';
import { CLIENT_IDENTIFIER_NOT_VALID } from '../../mqtt/reason-code.js';
import type { Session } from '../../mqtt/session.js';
import type { SessionState } from '../../mqtt/session-options.js';
import type { MqttCredentials } from '../../secrets/mqtt-credentials.js';
import { type Sealed, sameSealed, seal, unseal } from '../../secrets/sealed.js';
import type { Standing } from './standing.js';

type Values = Sealed<MqttCredentials>;

export type MovableSession = Pick<
  Session,
  'state' | 'paused' | 'reconnectAtOnce' | 'reauthenticate'
>;

export interface MqttRotationOptions {
  readonly inService: Values;
  readonly sessions: () => readonly MovableSession[];
  /** Makes a connection of its own, until `signal` ends that. Rejects with a ConnectionFault. */
  readonly tryConnect: (values: Values, signal: AbortSignal) => Promise<unknown>;
  readonly standing: Standing;
  readonly onInService: (values: Values) => void;
  readonly clock: Clock;
  readonly random: () => number;
}

const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 60_000;
/** A trial by a session costs it its connection. */
const SESSION_RETRY_MS = 600_000;
/** For a session to be back with new values; then the others stay as they are. */
const MOVE_TIMEOUT_MS = 30_000;
const REASON = 'there are new credentials';

export class MqttRotation {
  readonly #options: MqttRotationOptions;
  readonly #backoff: Backoff;
  #inService: Values;
  #newest: Values;
  /** By index of session: what its connection was made with, or is. */
  readonly #given: Values[] = [];
  /** Sessions that try the newest at their next dial. */
  readonly #trying = new Set<number>();
  #isTrialUnderWay = false;
  /** The session that tries the newest for all. */
  #scout: number | undefined;
  #cancelRetry: (() => void) | undefined;
  /** Whether the last trial said nothing: it is made again as soon as the broker is seen. */
  #isUntried = false;
  #isMoving = false;
  /** By index of session, while it connects anew: ends the wait for it. */
  readonly #awaited = new Map<number, () => void>();
  readonly #stopped = new AbortController();

  constructor(options: MqttRotationOptions) {
    this.#options = options;
    this.#backoff = new Backoff(RETRY_MS_MIN, RETRY_MS_MAX, options.random);
    this.#inService = options.inService;
    this.#newest = options.inService;
  }

  /** What a session connects with: asked at every dial and every CONNECT. */
  credentialsOf(index: number): Values {
    return this.#given[index] ?? this.#inService;
  }

  /** Other values of secrets, config maps and the service account token. */
  offer(values: Values): void {
    const { standing } = this.#options;
    this.#trying.clear();
    this.#scout = undefined;
    this.#endRetry();
    this.#backoff.reset();
    if (sameSealed(values, this.#inService)) {
      this.#newest = this.#inService;
      standing.withdrawn();
      return;
    }
    this.#newest = values;
    standing.changeFound();
    this.#try();
  }

  onState(index: number, state: SessionState): void {
    if (this.#isStopped) return;
    if (state.kind === 'dialling') {
      this.#given[index] = this.#trying.has(index) ? this.#newest : this.#inService;
    } else if (state.kind === 'active') {
      this.#onActive(index);
    } else if (state.kind === 'waiting' && isVerdict(state.lossReason)) {
      this.#onRefused(index, state.lossReason, state.reason);
    }
    if (state.kind === 'active' || state.kind === 'stopped') this.#awaited.get(index)?.();
  }

  stop(): void {
    this.#stopped.abort();
    this.#endRetry();
    for (const end of this.#awaited.values()) end();
  }

  get #isStopped(): boolean {
    return this.#stopped.signal.aborted;
  }

  get #isSettled(): boolean {
    return this.#newest === this.#inService;
  }

  #onActive(index: number): void {
    this.#trying.delete(index);
    if (!this.#isSettled && this.#given[index] === this.#newest) this.#putInService();
    else if (this.#isUntried) this.#try();
    void this.#moveSessions();
  }

  #onRefused(index: number, reason: ConnectionLossReason, detail: string): void {
    if (this.#isSettled) return;
    if (this.#given[index] !== this.#newest) {
      this.#trying.add(index);
      this.#redialSoon(index);
      return;
    }
    this.#trying.delete(index);
    this.#options.standing.refused(reason, detail);
    if (this.#scout !== index) return;
    this.#scout = undefined;
    this.#redialSoon(index);
    this.#retryAfter(SESSION_RETRY_MS);
  }

  /** Whoever is refused waits long, and has other values to show. */
  #redialSoon(index: number): void {
    const { clock, sessions } = this.#options;
    // Not from within its own call.
    clock.after(0, () => {
      const session = sessions()[index];
      if (session?.state.kind === 'waiting' && !this.#isStopped) session.reconnectAtOnce(REASON);
    });
  }

  #try(): void {
    this.#endRetry();
    if (this.#isTrialUnderWay || this.#isSettled || this.#isStopped) return;
    if (!differInTokenOnly(this.#newest, this.#inService)) void this.#tryBeside();
    else if (!this.#tryBySession()) {
      this.#options.standing.untried('disconnected', 'no session is connected');
      this.#retryUntried();
    }
  }

  /** By a connection of its own. */
  async #tryBeside(): Promise<void> {
    const values = this.#newest;
    this.#isTrialUnderWay = true;
    const fault = await this.#options
      .tryConnect(values, this.#stopped.signal)
      .then(() => undefined, faultOf);
    this.#isTrialUnderWay = false;
    if (this.#isStopped || this.#isSettled) return;
    if (values !== this.#newest) this.#try();
    else if (fault === undefined) this.#putInService();
    else this.#onFault(fault);
  }

  #onFault({ lossReason, reasonCode, message }: ConnectionFault): void {
    const { standing } = this.#options;
    if (reasonCode === CLIENT_IDENTIFIER_NOT_VALID && this.#tryBySession()) return;
    if (isVerdict(lossReason)) {
      standing.refused(lossReason, message);
      this.#retryAfter(this.#backoff.nextMs());
    } else {
      standing.untried(lossReason, message);
      this.#retryUntried();
    }
  }

  /**
   * By the first session that has a connection, of those that read where one does: the others see no
   * answer. False: none has; those that dial may try it.
   */
  #tryBySession(): boolean {
    const sessions = this.#options.sessions();
    const active = [...sessions.keys()].filter((each) => sessions[each]?.state.kind === 'active');
    const index = active.find((each) => sessions[each]?.paused === false) ?? active[0] ?? -1;
    const session = sessions[index];
    if (session === undefined) {
      for (const each of sessions.keys()) this.#trying.add(each);
      return false;
    }
    this.#trying.add(index);
    this.#scout = index;
    void this.#move(index, session, this.#newest);
    return true;
  }

  #putInService(): void {
    this.#inService = this.#newest;
    this.#trying.clear();
    this.#scout = undefined;
    this.#endRetry();
    this.#options.standing.inService();
    this.#options.onInService(this.#inService);
    void this.#moveSessions();
  }

  async #moveSessions(): Promise<void> {
    if (this.#isMoving) return;
    this.#isMoving = true;
    for (let next = this.#nextToMove(); next !== undefined; next = this.#nextToMove()) {
      const [index, session] = next;
      await this.#move(index, session, this.#inService);
      if (this.#isStopped || (!isOver(session.state) && session.state.kind !== 'active')) break;
    }
    this.#isMoving = false;
  }

  #nextToMove(): [number, MovableSession] | undefined {
    return [...this.#options.sessions().entries()].find(
      ([index, { state }]) =>
        this.#given[index] !== this.#inService && !this.#trying.has(index) && !isOver(state),
    );
  }

  /** Resolves when the session is connected with the values, or its time is over. */
  async #move(index: number, session: MovableSession, values: Values): Promise<void> {
    this.#given[index] = values;
    if (unseal(values).serviceAccountToken === undefined) session.reconnectAtOnce(REASON);
    else await this.#renew(index, session);
    if (session.state.kind === 'active' || this.#isStopped) return;
    await this.#back(index);
  }

  /** Resolves when the token is answered, or its time is over: a session that reads nothing sees no answer. */
  #renew(index: number, session: MovableSession): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(MOVE_TIMEOUT_MS, resolve);
      void session.reauthenticate().then((isTaken) => {
        cancel();
        if (isTaken && !this.#isStopped) this.#onActive(index);
        resolve();
      });
    });
  }

  /** Resolves when the session is connected again or stops, its time is over, or somebody else awaits it. */
  #back(index: number): Promise<void> {
    this.#awaited.get(index)?.();
    return new Promise((resolve) => {
      const end = () => {
        cancel();
        this.#awaited.delete(index);
        resolve();
      };
      const cancel = this.#options.clock.after(MOVE_TIMEOUT_MS, end);
      this.#awaited.set(index, end);
    });
  }

  #retryUntried(): void {
    this.#retryAfter(this.#backoff.nextMs());
    this.#isUntried = true;
  }

  #retryAfter(delayMs: number): void {
    this.#endRetry();
    this.#cancelRetry = this.#options.clock.after(delayMs, () => this.#try());
  }

  #endRetry(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = undefined;
    this.#isUntried = false;
  }
}

function faultOf(error: unknown): ConnectionFault {
  if (error instanceof ConnectionFault) return error;
  return new ConnectionFault('other', error instanceof Error ? error.message : String(error));
}

/** Whether the other side, or its certificate, was met and the values were found wanting. */
function isVerdict(reason: ConnectionLossReason | undefined): reason is 'authentication' | 'tls' {
  return reason === 'authentication' || reason === 'tls';
}

function isOver({ kind }: SessionState): boolean {
  return kind === 'idle' || kind === 'stopped';
}

function differInTokenOnly(a: Values, b: Values): boolean {
  const without = (values: Values) => seal({ ...unseal(values), serviceAccountToken: undefined });
  return sameSealed(without(a), without(b));
}
