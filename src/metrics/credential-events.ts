/* What is counted and logged of the values of secrets that one side's connections are made with. Main
 * thread only. Details are for people and have no value in them.
 */
import type { Log } from '../base/log.js';

export type Side = 'kafka' | 'mqtt';
export type CertificateRole = 'ca' | 'client';

export class CredentialCounters {
  readonly side: Side;
  /** New values that have come into service since the start. */
  changes = 0;
  refusals = 0;
  /** Gauge: whether there are newer values than those in service, which do not work. */
  isRefused = false;
  /** Gauge: when what is in service expires, since 1970. */
  certificatesExpireAtMs: ReadonlyMap<CertificateRole, number> = new Map();

  constructor(side: Side) {
    this.side = side;
  }
}

export class CredentialEvents {
  readonly counters: CredentialCounters;
  readonly #log: Log;

  constructor(counters: CredentialCounters, log: Log) {
    this.counters = counters;
    this.#log = log.child({ side: counters.side });
  }

  changeFound(): void {
    this.#log.info('there are new credentials; they are tried');
  }

  inService(): void {
    this.counters.changes += 1;
    this.counters.isRefused = false;
    this.#log.info('new credentials are in service');
  }

  /** Call it once for each reason, not for each attempt. */
  refused(detail: string): void {
    this.counters.refusals += 1;
    this.counters.isRefused = true;
    this.#log.error(
      { detail },
      'new credentials do not work and are tried again; those before stay in service',
    );
  }

  /** Nothing is known of them: there is nobody to try them with. */
  untried(detail: string): void {
    this.#log.warn(
      { detail },
      'new credentials cannot be tried yet; those before stay in service meanwhile',
    );
  }

  /** The newer values are gone again, without having been in service. */
  withdrawn(): void {
    this.counters.isRefused = false;
    this.#log.info('the credentials in service are the newest again');
  }

  certificateExpires(role: CertificateRole, expiresAtMs: number, hasExpired: boolean): void {
    const fields = { certificate: role, expiresAt: new Date(expiresAtMs).toISOString() };
    if (hasExpired) this.#log.error(fields, 'a certificate has expired');
    else this.#log.warn(fields, 'a certificate expires soon');
  }
}
