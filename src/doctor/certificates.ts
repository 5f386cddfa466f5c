/* What a person wants to know of a server's certificates, once they are verified, and of our own. Pure. */
import type { DetailedPeerCertificate, PeerCertificate } from 'node:tls';
import { shortText } from '../base/short-text.js';
import { type Certificates, certificateExpiries } from '../secrets/certificate-expiry.js';

const DAY_MS = 86_400_000;
/** Whoever renews by hand needs some time. */
const EXPIRY_WARNING_DAYS = 30;
/** A server may send as many as it likes. */
const CHAIN_MAX = 10;

export interface CertificateFindings {
  /** Names, chain and the days that are left. */
  readonly text: string;
  readonly warnings: readonly string[];
}

/** @param host whom the certificate was verified for */
export function certificateFindings(
  certificate: DetailedPeerCertificate,
  host: string,
  nowMs: number,
): CertificateFindings {
  const chain = chainOf(certificate);
  const issuers = chain.slice(1).map((each) => nameOf(each));
  const daysLeft = daysUntil(certificate.valid_to, nowMs);
  const warnings = chain.flatMap((each, index) => {
    const what = index === 0 ? `the certificate of ${host}` : `the CA certificate ${nameOf(each)}`;
    return expiryWarnings(what, Date.parse(each.valid_to), nowMs);
  });
  return {
    text:
      `certificate ${nameOf(certificate)} for ${namesOf(certificate)}, of ` +
      `${issuers.length === 0 ? 'itself' : issuers.join(', of ')}, good for ${daysLeft} days`,
    warnings,
  };
}

/** Those that a client may connect by. */
export function namesOf({ subjectaltname = '' }: PeerCertificate): string {
  const names = shortText(subjectaltname.replaceAll(/DNS:|IP Address:/g, ''));
  return names === '' ? 'no name' : names;
}

/** One, where a client certificate that a connection is made with expires soon; `nowMs` since 1970. */
export function clientExpiryWarnings(client: Certificates['client'], nowMs: number): string[] {
  const expiresAtMs = certificateExpiries({ caPem: undefined, client }).get('client');
  if (expiresAtMs === undefined) return [];
  return expiryWarnings('the client certificate', expiresAtMs, nowMs);
}

/** One, where it expires soon; times since 1970. */
function expiryWarnings(what: string, expiresAtMs: number, nowMs: number): string[] {
  const days = Math.floor((expiresAtMs - nowMs) / DAY_MS);
  if (days >= EXPIRY_WARNING_DAYS) return [];
  const date = new Date(expiresAtMs).toISOString().slice(0, 10);
  return [
    days < 0
      ? `${what} has expired on ${date}: renew it`
      : `${what} expires in ${days} days, on ${date}: renew it before`,
  ];
}

function daysUntil(date: string, nowMs: number): number {
  return Math.floor((Date.parse(date) - nowMs) / DAY_MS);
}

/** From the server's own to the CA that is trusted, which is its own issuer. */
function chainOf(certificate: DetailedPeerCertificate): DetailedPeerCertificate[] {
  const chain = [certificate];
  for (let last = certificate; chain.length < CHAIN_MAX; ) {
    const issuer: DetailedPeerCertificate | undefined = last.issuerCertificate;
    if (issuer === undefined || issuer.fingerprint256 === last.fingerprint256) break;
    chain.push(issuer);
    last = issuer;
  }
  return chain;
}

function nameOf({ subject }: DetailedPeerCertificate): string {
  const name: unknown = subject?.CN ?? subject?.O;
  return JSON.stringify(shortText(typeof name === 'string' ? name : 'without a name'));
}
