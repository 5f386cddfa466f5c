/* The steps up to where a protocol of its own begins, the same for the MQTT broker and for Kafka: the name,
 * TCP, TLS.
 */
import { lookup } from 'node:dns/promises';
import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { connect as connectTls, type PeerCertificate } from 'node:tls';
import type { Clock } from '../base/clock.js';
import type { ConnectionLossReason } from '../metrics/reasons.js';
import {
  addressOf,
  ConnectionFault,
  connectionFault,
  earlyEndHint,
} from '../mqtt/dial/connection-fault.js';
import { checkSecured, type TlsTarget, tlsOptions } from '../mqtt/dial/tls.js';
import type { MqttCredentials } from '../secrets/mqtt-credentials.js';
import type { Sealed } from '../secrets/sealed.js';
import { certificateFindings, namesOf } from './certificates.js';
import type { Check, Steps } from './report.js';
import { FAILED_BEFORE } from './words.js';

export interface EndPoint {
  readonly target: TlsTarget;
  /** What TLS trusts and shows; undefined where a secret could not be read. */
  readonly credentials: Sealed<MqttCredentials> | undefined;
}

export interface Limits {
  /** For each step. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

/** Whether all of its steps passed; warnings do not count. */
export async function checkEndPoint(
  steps: Steps,
  { target, credentials }: EndPoint,
  limits: Limits,
): Promise<boolean> {
  const address = addressOf(target);
  const secured: readonly Check[] = target.tls === undefined ? [] : ['tls'];
  const addresses = await findAddresses(steps, target.host, limits.timeoutMs);
  if (!addresses) {
    steps.skip(['tcp', ...secured], address, FAILED_BEFORE);
    return false;
  }
  if (!(await checkTcp(steps, target, limits))) {
    steps.skip(secured, address, FAILED_BEFORE);
    return false;
  }
  if (target.tls === undefined) return true;
  if (credentials === undefined) {
    steps.skip(secured, address, 'what it needs of secrets and config maps cannot be read');
    return false;
  }
  return await checkTls(steps, target, credentials, limits);
}

async function findAddresses(steps: Steps, host: string, timeoutMs: number): Promise<boolean> {
  // It is its own address.
  if (isIP(host) !== 0) return true;
  try {
    const found = await within(timeoutMs, lookup(host, { all: true }));
    steps.add('passed', 'name', host, found.map(({ address }) => address).join(', '));
    return true;
  } catch (error) {
    const { code = 'no answer' } = error as NodeJS.ErrnoException;
    const text =
      code === 'ENOTFOUND'
        ? `no address is known for this name (${code}): is it spelled right, and does the DNS of this machine know it?`
        : `the DNS does not tell the address (${code}): look at the DNS servers of this machine`;
    steps.add('failed', 'name', host, text);
    return false;
  }
}

async function within<T>(timeoutMs: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it takes too long')), timeoutMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function checkTcp(steps: Steps, target: TlsTarget, limits: Limits): Promise<boolean> {
  const { host, port } = target;
  const beganMs = limits.clock.monotonicMs();
  const fault = await connected(connectTcp({ host, port }), 'connect', target, limits.timeoutMs);
  if (fault !== undefined) {
    steps.add('failed', 'tcp', addressOf(target), withRemedy(fault));
    return false;
  }
  const tookMs = Math.round(limits.clock.monotonicMs() - beganMs);
  steps.add('passed', 'tcp', addressOf(target), `connected in ${tookMs} ms`);
  return true;
}

async function checkTls(
  steps: Steps,
  target: TlsTarget,
  credentials: Sealed<MqttCredentials>,
  limits: Limits,
): Promise<boolean> {
  const address = addressOf(target);
  const socket = connectTls(tlsOptions(target, credentials));
  let text = '';
  let warnings: readonly string[] = [];
  let refused: ConnectionFault | undefined;
  socket.once('secureConnect', () => {
    refused = checkSecured(socket, target);
    const found = certificateFindings(
      socket.getPeerCertificate(true),
      target.host,
      limits.clock.wallMs(),
    );
    text = `${socket.getProtocol() ?? 'TLS'}, ${found.text}`;
    warnings = found.warnings;
  });
  const broken = await connected(socket, 'secureConnect', target, limits.timeoutMs);
  const fault = broken ?? refused;
  if (fault !== undefined) {
    steps.add('failed', 'tls', address, withRemedy(fault));
    return false;
  }
  steps.add('passed', 'tls', address, text);
  for (const warning of warnings) steps.add('warning', 'tls', address, warning);
  return true;
}

/** Until it is there; then it is closed. What is wrong, or undefined. */
function connected(
  socket: Socket,
  event: 'connect' | 'secureConnect',
  target: TlsTarget,
  timeoutMs: number,
): Promise<ConnectionFault | undefined> {
  return new Promise((resolve) => {
    const end = (fault: ConnectionFault | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(fault);
    };
    const timer = setTimeout(() => end(tooLate(event, target, timeoutMs)), timeoutMs);
    socket.on('error', (error) => end(withNames(connectionFault(error, target, false), error)));
    socket.once(event, () => end(undefined));
  });
}

/** With the names that a certificate is for, where it is not for ours: of an address Node.js tells none. */
function withNames(fault: ConnectionFault, error: Error): ConnectionFault {
  const { code, cert } = error as NodeJS.ErrnoException & { cert?: PeerCertificate };
  if (code !== 'ERR_TLS_CERT_ALTNAME_INVALID' || cert === undefined) return fault;
  return new ConnectionFault(fault.lossReason, `${fault.message}: it is for ${namesOf(cert)}`);
}

function tooLate(
  event: 'connect' | 'secureConnect',
  target: TlsTarget,
  timeoutMs: number,
): ConnectionFault {
  const address = addressOf(target);
  if (event === 'connect') {
    return new ConnectionFault('timeout', `${address} does not answer within ${timeoutMs} ms`);
  }
  return new ConnectionFault(
    'tls',
    `${address} does not answer the TLS handshake within ${timeoutMs} ms: if it is no port for TLS, give ` +
      `one that is, or tlsEnabled: false; ${earlyEndHint(target)}`,
  );
}

const REMEDIES: Readonly<Partial<Record<ConnectionLossReason, string>>> = {
  refused: 'is the server running there, and is this its port?',
  timeout: 'a firewall or network policy may drop what goes there; is the address right?',
  network: 'look at routes, firewalls and network policies between here and there',
};

/** Faults of TLS and logins say what to do; those of the network alone do not. */
function withRemedy({ lossReason, message }: ConnectionFault): string {
  const remedy = REMEDIES[lossReason];
  return remedy === undefined ? message : `${message}: ${remedy}`;
}
