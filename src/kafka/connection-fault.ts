/* What librdkafka says of a connection that it could not make or keep -> what is wrong, and what to do.
 * It says so in log lines and errors alike, in words of its own and OpenSSL's; those that matter are
 * asserted against a real Kafka. What it says of certificates comes by src/native/new-client.h.
 */
import { shortText } from '../base/short-text.js';
import type { KafkaLossReason } from '../channel/protocol.js';
import type { KafkaConnection } from '../config/model.js';
import { unseal } from '../secrets/sealed.js';
import type { KafkaAccess } from './security-properties.js';

export interface ConnectionFault {
  readonly reason: KafkaLossReason;
  /** For people, without any value of a secret. */
  readonly detail: string;
}

/** Of a line or an error of librdkafka's; undefined where it is about something else. */
export function connectionFault(
  line: string,
  connection: KafkaConnection,
): ConnectionFault | undefined {
  const text = withoutThread(line);
  const address = addressIn(line) ?? connection.bootstrapServers;
  return (
    certificateFault(text, address, connection) ??
    handshakeFault(text, address, connection) ??
    saslFault(text, address, connection) ??
    transportFault(text, address, connection)
  );
}

/** A log line names its thread first, by the address that the thread began with. */
function withoutThread(line: string): string {
  return line.replace(/^\w+: \[thrd:\S*\]: /, '');
}

/** The host and port that such a line is about, where it names them. */
export function addressIn(line: string): string | undefined {
  return ADDRESS.exec(withoutThread(line))?.[0];
}

const ADDRESS = /(?:\[[\da-fA-F:.]+\]|[\w.-]+):\d{1,5}\b/;

/** X509_V_ERR_ */
const NOT_YET_VALID = 9;
const EXPIRED = 10;
const REVOKED = 23;
const OTHER_NAME = new Set([62, 63, 64]);
/** No issuer, self-signed, an issuer that is not trusted. */
const UNKNOWN_CA = new Set([2, 18, 19, 20, 21, 27]);

function certificateFault(
  text: string,
  address: string,
  { tls }: KafkaConnection,
): ConnectionFault | undefined {
  const found = /\(subject=(.*), issuer=(.*)\) verification .*x509 error (\d+)/.exec(text);
  if (found === null) return undefined;
  const [, subject = '', issuer = '', number] = found;
  const code = Number(number);
  const what = `the certificate of ${address}`;
  const tell = (detail: string): ConnectionFault => ({ reason: 'tls', detail });
  if (code === EXPIRED) return tell(`${what} has expired: renew it at Kafka`);
  if (code === NOT_YET_VALID) return tell(`${what} is not valid yet: look at both clocks`);
  if (code === REVOKED) return tell(`${what} is revoked: renew it at Kafka`);
  if (OTHER_NAME.has(code)) {
    return tell(
      `${what} is for another name (${shortText(subject)}): connect by a name that is in it, which ` +
        'goes for the names that Kafka advertises too',
    );
  }
  if (!UNKNOWN_CA.has(code)) return tell(`${what} is not accepted (OpenSSL's error ${code})`);
  const remedy =
    tls?.caConfigMap === undefined
      ? 'name a config map that holds the CA as tls.caConfigMap, or install the CA certificates of the system'
      : `put the CA into ConfigMap ${tls.caConfigMap}`;
  return tell(`${what} is of a CA that is not trusted (${shortText(issuer)}): ${remedy}`);
}

/** Alerts with which a server refuses a client's certificate, or the lack of one. */
const CLIENT_REFUSED =
  /alert (?:certificate required|bad certificate|certificate unknown|unsupported certificate|unknown ca|certificate expired|certificate revoked|access denied)|certificate required/;
const NO_TLS_THERE =
  /PLAINTEXT broker listener|wrong version number|http request|unknown protocol|packet length too long/;

function handshakeFault(
  text: string,
  address: string,
  { authentication }: KafkaConnection,
): ConnectionFault | undefined {
  if (NO_TLS_THERE.test(text)) {
    const detail = `${address} does not speak TLS: give Kafka's port for TLS, or tlsEnabled: false`;
    return { reason: 'protocol', detail };
  }
  if (CLIENT_REFUSED.test(text)) {
    const detail =
      authentication.kind === 'x509'
        ? `${address} refuses the client certificate of Secret ${authentication.secretName}: it must be ` +
          'of a CA that Kafka trusts, and not expired'
        : `${address} asks for a client certificate: give authType x509, or another port`;
    return { reason: 'authentication', detail };
  }
  // What this is about was told by the line before.
  if (/certificate verify failed/.test(text)) return undefined;
  if (!/SSL handshake failed|SSL routines/.test(text)) return undefined;
  const said = text.replace(/^.*?SSL handshake failed: /, '').replace(/ \(after .*$/, '');
  return { reason: 'tls', detail: `no TLS with ${address}: ${shortText(said)}` };
}

function saslFault(
  text: string,
  address: string,
  { authentication }: KafkaConnection,
): ConnectionFault | undefined {
  const byToken = authentication.kind === 'systemAssignedManagedIdentity';
  if (authentication.kind !== 'sasl' && !byToken) return undefined;
  const mechanism = byToken ? 'OAUTHBEARER' : authentication.mechanism;
  const tell = (detail: string): ConnectionFault => ({ reason: 'authentication', detail });
  if (/mechanism handshake failed/.test(text)) {
    const [, offered = ''] = /supported mechanisms: ?([\w, -]*?) *(?:\(|$)/.exec(text) ?? [];
    return offered === ''
      ? tell(
          `${address} takes no login: give Kafka's port for SASL, or authentication.enabled: false`,
        )
      : tell(`${address} does not offer ${mechanism}, but ${shortText(offered)}`);
  }
  // What Kafka says beyond that may hold the user's name.
  if (!/SASL authentication error|SASL.* authentication fail/i.test(text)) return undefined;
  if (byToken) {
    return tell(
      `${address} refuses the token of the managed identity: the identity must have a role there (of ` +
        'Event Hubs: Azure Event Hubs Data Owner, or Data Sender and Data Receiver), and the audience ' +
        `${authentication.audience} must be what the server expects`,
    );
  }
  return tell(
    `${address} refuses the login (${mechanism}): the username or the password in Secret ` +
      `${authentication.secretName} is wrong, or Kafka does not know the user for ${mechanism}`,
  );
}

/**
 * What keeps a client that logs in by a token from connecting at all: librdkafka waits for a token without
 * a word. Undefined where there is one that is good at `nowMs` (since 1970), or none is needed.
 */
export function tokenFault(
  { kafka: { authentication }, kafkaCredentials }: KafkaAccess,
  nowMs: number,
): ConnectionFault | undefined {
  if (authentication.kind !== 'systemAssignedManagedIdentity') return undefined;
  const { token } = unseal(kafkaCredentials);
  if (token !== undefined && token.expiresAtMs > nowMs) return undefined;
  const what = token === undefined ? 'there is no token yet' : 'the last token has expired';
  const detail =
    `${what} for ${authentication.audience}: connections to Kafka wait until the managed identity gives ` +
    'one; the log says why it does not';
  return { reason: 'authentication', detail };
}

/** A connection that ends so soon was not idle. */
const SOON_MS = 2000;

/**
 * Kafka's name of the request that a log line says was given up without an answer, over a connection that was
 * made: ApiVersion is a part of making it.
 */
export function unansweredRequest(line: string): string | undefined {
  return /Timed out (?!ApiVersion)(\w+)Request in flight/.exec(line)?.[1];
}

function transportFault(
  text: string,
  address: string,
  { tls, authentication }: KafkaConnection,
): ConnectionFault | undefined {
  const state = /\(after (\d+)ms in state (\w+)/.exec(text);
  if (/Disconnected|closed by peer|Invalid response size/.test(text) && state !== null) {
    const isFirst = state[2] === 'APIVERSION_QUERY';
    if (isFirst && tls === undefined) {
      const detail = `${address} ends the connection at its start: if it is Kafka's port for TLS, give tlsEnabled: true`;
      return { reason: 'protocol', detail };
    }
    const isUp = state[2] === 'UP' && Number(state[1]) < SOON_MS;
    if (isUp && authentication.kind !== 'sasl') {
      const detail = `${address} ends the connection at the first request: if it asks for a login, give authType sasl`;
      return { reason: 'authentication', detail };
    }
    return undefined;
  }
  if (/Connect to .* failed: Connection refused/.test(text)) {
    return { reason: 'refused', detail: `nobody listens at ${address}` };
  }
  if (/Connect to .* failed: /.test(text)) {
    const [, why = ''] = /failed: (.*?)(?: \(after|$)/.exec(text) ?? [];
    return { reason: 'network', detail: `${address} cannot be reached: ${shortText(why)}` };
  }
  if (/Failed to resolve/.test(text)) {
    return { reason: 'network', detail: `no address is known for the name in ${address}` };
  }
  if (/setup timed out|Timed out ApiVersionRequest in flight/.test(text)) {
    return { reason: 'timeout', detail: `${address} does not answer` };
  }
  const request = unansweredRequest(text);
  if (request !== undefined) {
    return { reason: 'timeout', detail: `${address} has not answered a request (${request})` };
  }
  return undefined;
}
