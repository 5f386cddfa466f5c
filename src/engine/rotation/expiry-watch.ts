/* ExpiryWatch: warns of certificates in service that expire soon, once a day for each. Main thread. */
import type { Clock } from '../../base/clock.js';
import type { CertificateRole, CredentialEvents } from '../../metrics/credential-events.js';
import type { CertificateExpiries } from '../../secrets/certificate-expiry.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const SOON_MS = 30 * DAY_MS;

interface Warning {
  readonly expiresAtMs: number;
  readonly saidMs: number;
  readonly hadExpired: boolean;
}

export class ExpiryWatch {
  readonly #clock: Clock;
  readonly #events: CredentialEvents;
  readonly #warnings = new Map<CertificateRole, Warning>();
  #expiries: CertificateExpiries = new Map();
  #cancel: () => void = () => {};

  constructor(clock: Clock, events: CredentialEvents) {
    this.#clock = clock;
    this.#events = events;
  }

  /** These are in service from now on. */
  use(expiries: CertificateExpiries): void {
    this.#expiries = expiries;
    this.#events.counters.certificatesExpireAtMs = expiries;
    this.#look();
  }

  stop(): void {
    this.#cancel();
  }

  #look(): void {
    this.#cancel();
    if (this.#expiries.size === 0) return;
    for (const [role, expiresAtMs] of this.#expiries) this.#lookAt(role, expiresAtMs);
    this.#cancel = this.#clock.after(HOUR_MS, () => this.#look());
  }

  #lookAt(role: CertificateRole, expiresAtMs: number): void {
    const leftMs = expiresAtMs - this.#clock.wallMs();
    if (leftMs > SOON_MS) return;
    const nowMs = this.#clock.monotonicMs();
    const hasExpired = leftMs <= 0;
    const said = this.#warnings.get(role);
    const isSaid =
      said?.expiresAtMs === expiresAtMs &&
      said.hadExpired === hasExpired &&
      nowMs - said.saidMs < DAY_MS;
    if (isSaid) return;
    this.#warnings.set(role, { expiresAtMs, saidMs: nowMs, hadExpired: hasExpired });
    this.#events.certificateExpires(role, expiresAtMs, hasExpired);
  }
}
