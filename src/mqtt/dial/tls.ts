/* TLS: what it trusts and shows, and a connection with MQTT directly on it. Node.js decrypts straight into
 * memory of ours, as the kernel writes there without TLS, at most 16 KiB at a time. What was read from the
 * network already, up to 64 KiB, still comes after `pause`, and waits in a backlog.
 */
import { constants } from 'node:crypto';
import { isIP, type OnReadOpts } from 'node:net';
import {
  type ConnectionOptions,
  connect,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import type { MqttConnection } from '../../config/model.js';
import type { MqttCredentials } from '../../secrets/mqtt-credentials.js';
import { type Sealed, unseal } from '../../secrets/sealed.js';
import { Backlog } from './backlog.js';
import { addressOf, ConnectionFault } from './connection-fault.js';
import { sharedLookup } from './lookup.js';
import { SocketTransport } from './socket-transport.js';
import type { DialOptions, Transport } from './transport.js';

export type TlsTarget = Pick<
  MqttConnection,
  'host' | 'port' | 'tls' | 'authentication' | 'alpnProtocols'
>;

/** Dials with TLS. `credentials` are those of now. */
export function dialTls(
  target: TlsTarget,
  credentials: Sealed<MqttCredentials>,
  options: DialOptions,
): Transport {
  const backlog = new Backlog(options);
  const onread: OnReadOpts = {
    buffer: () => backlog.nextBuffer(),
    callback: (bytes) => {
      backlog.onBytes(bytes);
      return true;
    },
  };
  // Documented for tls.connect(), but not in its types.
  const intoOurs = { ...tlsOptions(target, credentials), onread };
  const socket = connect(intoOurs);
  return new SocketTransport(socket, target, options, {
    opened: 'secureConnect',
    check: () => checkSecured(socket, target),
    backlog,
  });
}

/** Nothing here can be turned off, by the environment of Node.js neither. */
export function tlsOptions(
  { host, port, alpnProtocols }: TlsTarget,
  credentials: Sealed<MqttCredentials>,
): ConnectionOptions & { host: string; port: number } {
  return {
    host,
    port,
    lookup: sharedLookup,
    // An address is no name to ask for [RFC 6066, section 3].
    ...(isIP(host) === 0 && { servername: host }),
    secureContext: secureContextOf(credentials),
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
    ...(alpnProtocols.length > 0 && { ALPNProtocols: [...alpnProtocols] }),
  };
}

/** What is wrong with a connection whose handshake is over and whose certificate is verified. */
export function checkSecured(socket: TLSSocket, target: TlsTarget): ConnectionFault | undefined {
  socket.setNoDelay(true);
  const { alpnProtocols } = target;
  const chosen = socket.alpnProtocol;
  if (alpnProtocols.length === 0) return undefined;
  if (typeof chosen === 'string' && alpnProtocols.includes(chosen)) return undefined;
  return new ConnectionFault(
    'tls',
    `${addressOf(target)} chooses none of the protocols in tls.alpnProtocols: it may not know ALPN`,
  );
}

/** Parsing the system's CAs takes milliseconds: once for all connections with the same credentials. */
const contexts = new WeakMap<Sealed<MqttCredentials>, SecureContext>();

function secureContextOf(credentials: Sealed<MqttCredentials>): SecureContext {
  const known = contexts.get(credentials);
  if (known !== undefined) return known;
  const { caPem, client } = unseal(credentials);
  const context = createSecureContext({
    // An empty list trusts nobody; left out, Node's own would count.
    ca: caPem ?? [],
    minVersion: 'TLSv1.2',
    // A server could have a client renegotiate for ever; disableRenegotiation() is for servers.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    ...(client && { cert: client.certificatePem, key: client.keyPem }),
    ...(client?.passPhrase !== undefined && { passphrase: client.passPhrase }),
  });
  contexts.set(credentials, context);
  return context;
}
