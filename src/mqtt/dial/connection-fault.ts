/* What node:net, node:tls and ws say of a connection that could not be made or kept -> what is wrong, and
 * what to do. The texts that matter are asserted against a real broker.
 */
import { isIP } from 'node:net';
import { shortText } from '../../base/short-text.js';
import type { MqttConnection } from '../../config/model.js';
import type { ConnectionLossReason } from '../../metrics/reasons.js';

/** For people, without any value of a secret. */
export class ConnectionFault extends Error {
  readonly lossReason: ConnectionLossReason;
  /** Of the CONNACK that refuses the connection; undefined where there is none. */
  readonly reasonCode: number | undefined;

  constructor(lossReason: ConnectionLossReason, message: string, reasonCode?: number) {
    super(message);
    this.name = 'ConnectionFault';
    this.lossReason = lossReason;
    this.reasonCode = reasonCode;
  }
}

/** Where a connection goes, and how it is secured. */
export type Target = Pick<MqttConnection, 'host' | 'port' | 'tls' | 'authentication'>;

/** `host:port` as it is written, an IPv6 address in brackets. */
export function addressOf({ host, port }: Pick<Target, 'host' | 'port'>): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/**
 * Of an error of a socket.
 *
 * @param isOpen whether the handshakes were over
 */
export function connectionFault(
  error: NodeJS.ErrnoException,
  target: Target,
  isOpen: boolean,
): ConnectionFault {
  if (error instanceof ConnectionFault) return error;
  const { code = '' } = error;
  const address = addressOf(target);
  const text = transportText(code, address);
  if (text !== undefined) return new ConnectionFault(...text);
  if (target.tls !== undefined) {
    const fault = certificateFault(error, code, target) ?? handshakeFault(error, target, isOpen);
    if (fault !== undefined) return fault;
  }
  const said = error.message.includes(code) ? error.message : `${code}: ${error.message}`;
  return new ConnectionFault('network', `the connection to ${address} broke: ${shortText(said)}`);
}

/** What everything up to the first packet may take has passed. */
export function noConnection(target: Pick<Target, 'host' | 'port'>, timeoutMs: number): Error {
  const where = addressOf(target);
  return new ConnectionFault('timeout', `no connection within ${timeoutMs} ms to ${where}`);
}

/** Why a connection may have ended between CONNECT and CONNACK, without a word. */
export function earlyEndHint({ tls, authentication }: Pick<Target, 'tls' | 'authentication'>) {
  if (tls === undefined) return "if it is the broker's port for TLS, give tlsEnabled: true";
  return authentication.kind === 'x509'
    ? `it may refuse the client certificate of Secret ${authentication.secretName}`
    : 'it may ask for a client certificate';
}

type Text = readonly [reason: ConnectionLossReason, text: string];

function transportText(code: string, address: string): Text | undefined {
  switch (code) {
    case 'ECONNREFUSED':
      return ['refused', `nobody listens at ${address} (${code})`];
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return ['network', `no address is known for the name in ${address} (${code})`];
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return ['network', `${address} cannot be reached (${code})`];
    case 'ETIMEDOUT':
      return ['timeout', `${address} does not answer (${code})`];
    default:
      return undefined;
  }
}

const UNKNOWN_CA = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
]);
/** OpenSSL's other verdicts on a certificate, as Node.js names them. */
const VERDICT =
  /^(?:CERT|CRL|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME|ERROR_IN|UNABLE_TO)_?/;

function certificateFault(error: Error, code: string, target: Target): ConnectionFault | undefined {
  const what = `the certificate of ${addressOf(target)}`;
  const tell = (detail: string) => new ConnectionFault('tls', detail);
  if (code === 'CERT_HAS_EXPIRED') return tell(`${what} has expired: renew it at the broker`);
  if (code === 'CERT_NOT_YET_VALID') return tell(`${what} is not valid yet: look at both clocks`);
  if (code === 'CERT_REVOKED') return tell(`${what} is revoked: renew it at the broker`);
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const { reason = '' } = error as Error & { reason?: string };
    return tell(
      `${what} is for another name (${shortText(reason)}): connect by a name that is in it`,
    );
  }
  if (UNKNOWN_CA.has(code)) {
    const caConfigMap = target.tls?.caConfigMap;
    const remedy =
      caConfigMap === undefined
        ? 'name a config map that holds the CA as tls.caConfigMap, or add the CA to those of the system'
        : `put the CA into ConfigMap ${caConfigMap}`;
    return tell(`${what} is of a CA that is not trusted (${code}): ${remedy}`);
  }
  return VERDICT.test(code) ? tell(`${what} is not accepted (${code})`) : undefined;
}

/** Alerts with which a server refuses a client's certificate, or the lack of one. */
const CLIENT_REFUSED =
  /_ALERT_(?:CERTIFICATE_REQUIRED|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|UNSUPPORTED_CERTIFICATE|UNKNOWN_CA|CERTIFICATE_EXPIRED|CERTIFICATE_REVOKED|ACCESS_DENIED)$/;
const NO_TLS_THERE =
  /^ERR_SSL_(?:WRONG_VERSION_NUMBER|HTTP_REQUEST|UNKNOWN_PROTOCOL|PACKET_LENGTH_TOO_LONG|INVALID_RECORD_TYPE|BAD_RECORD_TYPE)$/;
const OLD_TLS_ONLY = /^ERR_SSL_(?:UNSUPPORTED_PROTOCOL|TLSV1_ALERT_PROTOCOL_VERSION)$/;

function handshakeFault(
  error: NodeJS.ErrnoException,
  target: Target,
  isOpen: boolean,
): ConnectionFault | undefined {
  const code = opensslCode(error);
  const { authentication } = target;
  const address = addressOf(target);
  if (NO_TLS_THERE.test(code)) {
    const detail = `${address} does not speak TLS: give the broker's port for TLS, or tlsEnabled: false`;
    return new ConnectionFault('protocol', detail);
  }
  if (CLIENT_REFUSED.test(code)) {
    const detail =
      authentication.kind === 'x509'
        ? `${address} refuses the client certificate of Secret ${authentication.secretName} (${code}): ` +
          'it must be of a CA that the broker trusts, and not expired'
        : `${address} asks for a client certificate (${code}): give authentication.x509, or another port`;
    return new ConnectionFault('authentication', detail);
  }
  if (OLD_TLS_ONLY.test(code)) {
    const detail = `${address} does not speak TLS 1.2 or a later one, which there must be (${code})`;
    return new ConnectionFault('tls', detail);
  }
  if (code === 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL') {
    const detail = `${address} knows none of the protocols in tls.alpnProtocols (${code})`;
    return new ConnectionFault('tls', detail);
  }
  if (code === 'ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE') {
    const detail = `${address} breaks off the TLS handshake (${code}): ${earlyEndHint(target)}`;
    return new ConnectionFault('tls', detail);
  }
  if (!isOpen && (code === 'ECONNRESET' || code === 'EPIPE')) {
    const detail =
      `${address} ends the TLS handshake without a word (${code}): if it is no port for TLS, give ` +
      `one that is, or tlsEnabled: false; ${earlyEndHint(target)}`;
    return new ConnectionFault('tls', detail);
  }
  if (!code.startsWith('ERR_SSL_') && !code.startsWith('ERR_TLS_')) return undefined;
  return new ConnectionFault('tls', `no TLS with ${address}: ${shortText(saidBy(error, code))}`);
}

/** As Node.js names OpenSSL's reasons: a write that fails by one has it in its text alone. */
function opensslCode({ code = '', message }: NodeJS.ErrnoException): string {
  if (code !== 'EPROTO') return code;
  const [, reason = 'unknown'] = /:SSL routines:[^:]*:([^:]+):/.exec(message) ?? [];
  return `ERR_SSL_${reason.toUpperCase().replaceAll(/\W+/g, '_')}`;
}

/** OpenSSL's words alone: its text has the address of a thread before them, and a line break behind. */
function saidBy(error: Error, code: string): string {
  const { reason } = error as Error & { reason?: unknown };
  return typeof reason === 'string' ? `${reason} (${code})` : code;
}
