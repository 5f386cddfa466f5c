import type { Clock } from '../../../base/clock.js';
import type { Counters } from '../counters.js';
import type { SubscriptionIndex } from '../topic/subscription-index.js';
import { Session, type SessionContext } from './session.js';

/* The sessions by client identifier, and the end of those whose client stays away.
 *
 * While the broker is closed no session expires by timer; time that passes meanwhile counts.
 */

const neverExpires = 0xffff_ffff;
/** Node's timers hold at most 2^31 - 1 ms: longer intervals are waited for in parts. */
const timerMsMax = 2 ** 30;

interface Expiry {
  readonly deadlineMs: number;
  cancel: () => void;
}

export class SessionStore {
  readonly #sessions = new Map<string, Session>();
  readonly #expiries = new Map<string, Expiry>();
  readonly #context: SessionContext;
  readonly #index: SubscriptionIndex;
  readonly #clock: Clock;
  readonly #counters: Counters;
  #assigned = 0;
  #suspended = false;

  constructor(context: SessionContext, index: SubscriptionIndex) {
    this.#context = context;
    this.#index = index;
    this.#clock = context.settings.clock;
    this.#counters = context.counters;
  }

  get(clientId: string): Session | undefined {
    return this.#sessions.get(clientId);
  }

  values(): IterableIterator<Session> {
    return this.#sessions.values();
  }

  /** A client identifier that no session has. */
  assignClientId(): string {
    do this.#assigned += 1;
    while (this.#sessions.has(`assigned-${this.#assigned}`));
    return `assigned-${this.#assigned}`;
  }

  /** The session for a connection that begins: an old one, unless there is none or `cleanStart`. */
  open(clientId: string, cleanStart: boolean): { session: Session; present: boolean } {
    this.#cancelExpiry(clientId);
    const old = this.#sessions.get(clientId);
    if (old !== undefined && !cleanStart) return { session: old, present: true };
    if (old !== undefined) this.discard(old);
    const session = new Session(clientId, this.#context);
    this.#sessions.set(clientId, session);
    return { session, present: false };
  }

  /** The session's connection is gone: from now on it can expire. */
  leave(session: Session): void {
    if (this.#sessions.get(session.clientId) !== session) return;
    if (session.expirySeconds === 0) {
      this.discard(session);
      return;
    }
    if (session.expirySeconds === neverExpires) return;
    const deadlineMs = this.#clock.monotonicMs() + session.expirySeconds * 1000;
    this.#expiries.set(session.clientId, { deadlineMs, cancel: () => undefined });
    this.#waitFor(session);
  }

  discard(session: Session): void {
    this.#cancelExpiry(session.clientId);
    for (const subscription of session.subscriptions.values()) this.#index.remove(subscription);
    session.subscriptions.clear();
    session.end();
    if (this.#sessions.get(session.clientId) === session) this.#sessions.delete(session.clientId);
  }

  /** Leaves no timer behind. */
  suspend(): void {
    this.#suspended = true;
    for (const expiry of this.#expiries.values()) expiry.cancel();
  }

  resume(): void {
    this.#suspended = false;
    for (const clientId of [...this.#expiries.keys()]) {
      const session = this.#sessions.get(clientId);
      if (session !== undefined) this.#waitFor(session);
    }
  }

  #waitFor(session: Session): void {
    const expiry = this.#expiries.get(session.clientId);
    if (expiry === undefined || this.#suspended) return;
    const remainingMs = expiry.deadlineMs - this.#clock.monotonicMs();
    if (remainingMs <= 0) {
      this.#counters.sessionsExpired += 1;
      this.discard(session);
      return;
    }
    expiry.cancel = this.#clock.after(Math.min(remainingMs, timerMsMax), () => {
      this.#waitFor(session);
    });
  }

  #cancelExpiry(clientId: string): void {
    this.#expiries.get(clientId)?.cancel();
    this.#expiries.delete(clientId);
  }
}
