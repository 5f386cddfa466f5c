import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { TLSSocket, TlsOptions } from 'node:tls';
import t from 'tap';
import { WebSocketServer } from 'ws';
import type { MqttConnection } from '../../../src/config/model.js';
import { ConnectionFault } from '../../../src/mqtt/dial/connection-fault.js';
import { tryMqttConnect } from '../../../src/mqtt/try-connect.js';
import type { MqttCredentials } from '../../../src/secrets/mqtt-credentials.js';
import { type Sealed, seal } from '../../../src/secrets/sealed.js';
import {
  CA_PEM,
  CLIENT_KEY,
  CLIENT_PEM,
  ENCRYPTED_KEY,
  PASS_PHRASE,
} from '../../support/certificates.js';
import { ListeningBroker } from '../../support/listening-broker.js';
import { NO_MQTT_CREDENTIALS } from '../../support/mqtt-access.js';
import {
  connectionTo,
  listen,
  listenPeer,
  PEER_CREDENTIALS,
  type PeerKind,
} from '../../support/peer.js';
import {
  BROKER,
  BROKER_CA_PEM,
  EXPIRED,
  NOT_YET_VALID,
  OTHER_NAME,
} from '../../support/server-certificates.js';

/* What a person reads when a connection cannot be made: each against a server that really does so. */

const TIMEOUT_MS = 10_000;
const X509 = { kind: 'x509', secretName: 'client' } as const;
const client = (certificatePem: string, keyPem: string, passPhrase?: string) =>
  seal<MqttCredentials>({
    caPem: BROKER_CA_PEM,
    client: { certificatePem, keyPem, passPhrase },
  });

function attempt(
  connection: MqttConnection,
  credentials: Sealed<MqttCredentials> = PEER_CREDENTIALS,
  timeoutMs = TIMEOUT_MS,
) {
  return tryMqttConnect(connection, credentials, { clientId: 'try', timeoutMs });
}

/** The fault, with the address left out. */
async function faultOf(
  connection: MqttConnection,
  credentials?: Sealed<MqttCredentials>,
  timeoutMs?: number,
) {
  try {
    await attempt(connection, credentials, timeoutMs);
  } catch (error) {
    if (!(error instanceof ConnectionFault)) throw error;
    const { host, port } = connection;
    return [error.lossReason, error.message.replaceAll(`${host}:${port}`, 'B')];
  }
  return undefined;
}

const OTHER_CA = seal<MqttCredentials>({ caPem: CA_PEM });

const CERTIFICATES: Readonly<
  Record<string, readonly [TlsOptions, Sealed<MqttCredentials>, string, caConfigMap?: 'none']>
> = {
  'another CA': [
    BROKER,
    OTHER_CA,
    'the certificate of B is of a CA that is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): put the CA into ConfigMap broker-ca',
  ],
  "none of the system's CAs": [
    BROKER,
    OTHER_CA,
    'the certificate of B is of a CA that is not trusted (UNABLE_TO_VERIFY_LEAF_SIGNATURE): name a config map that holds the CA as tls.caConfigMap, or add the CA to those of the system',
    'none',
  ],
  'a certificate for another name': [
    OTHER_NAME,
    PEER_CREDENTIALS,
    "the certificate of B is for another name (IP: 127.0.0.1 is not in the cert's list: ): connect by a name that is in it",
  ],
  'an expired certificate': [
    EXPIRED,
    PEER_CREDENTIALS,
    'the certificate of B has expired: renew it at the broker',
  ],
  'a certificate of the future': [
    NOT_YET_VALID,
    PEER_CREDENTIALS,
    'the certificate of B is not valid yet: look at both clocks',
  ],
};

for (const [title, [tls, credentials, text, ca]] of Object.entries(CERTIFICATES)) {
  for (const kind of ['tls', 'wss'] as const) {
    t.test(`${kind}: ${title}`, async (t) => {
      const broker = await ListeningBroker.listen(t, kind, tls);
      const changes = ca === 'none' ? { tls: { caConfigMap: undefined } } : {};
      t.same(await faultOf(connectionTo(kind, broker.port, changes), credentials), ['tls', text]);
      t.same(broker.packets, [], 'nothing was said to it');
    });
  }
}

t.test('the environment of Node.js turns no check off', async (t) => {
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  t.teardown(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before;
  });
  for (const kind of ['tls', 'wss'] as const) {
    const broker = await ListeningBroker.listen(t, kind);
    t.match(await faultOf(connectionTo(kind, broker.port), OTHER_CA), ['tls', /not trusted/]);
  }
});

t.test('a name is asked for, and an address is not', async (t) => {
  for (const [host, name] of [
    ['localhost', 'localhost'],
    ['127.0.0.1', false],
  ] as const) {
    const { port, below } = await listenPeer(t, 'tls');
    const outcome = attempt(connectionTo('tls', port, { host }));
    const socket = (await below) as TLSSocket & { servername: string | false };
    t.equal(socket.servername, name);
    socket.destroy();
    await t.rejects(outcome);
  }
});

const MTLS: TlsOptions = { ca: CA_PEM, requestCert: true, rejectUnauthorized: true };

t.test('a client certificate is shown, its key under a pass phrase too', async (t) => {
  for (const kind of ['tls', 'wss'] as const) {
    const broker = await ListeningBroker.listen(t, kind, MTLS);
    const connection = connectionTo(kind, broker.port, { authentication: X509 });
    await attempt(connection, client(CLIENT_PEM, CLIENT_KEY));
    await attempt(connection, client(CLIENT_PEM, ENCRYPTED_KEY, PASS_PHRASE));
  }
});

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  t.test(`a client certificate is missing, or refused (${version})`, async (t) => {
    for (const kind of ['tls', 'wss'] as const) {
      const { port } = await ListeningBroker.listen(t, kind, { ...MTLS, maxVersion: version });
      const [reason, text] = (await faultOf(connectionTo(kind, port))) ?? [];
      t.match(text, /asks? for a client certificate/, kind);
      t.match(reason, /^(?:authentication|tls|network|closed)$/);
      const refused = connectionTo(kind, port, { authentication: X509 });
      const [, other] = (await faultOf(refused, client(BROKER.cert, BROKER.key))) ?? [];
      t.match(other, /refuse the client certificate of Secret client/, kind);
    }
  });
}

t.test('TLS to a plain port, and a plain connection to one of TLS', async (t) => {
  const silent = createServer();
  const ending = createServer((socket) => socket.once('data', () => socket.end()));
  const answering = createServer((socket) => socket.end('220 mail\r\n'));
  const ends =
    'B ends the TLS handshake without a word (ECONNRESET): if it is no port for TLS, give one that is, or tlsEnabled: false; it may ask for a client certificate';
  t.same(await faultOf(connectionTo('tls', await listen(t, ending))), ['tls', ends]);
  t.same(await faultOf(connectionTo('tls', await listen(t, answering))), [
    'protocol',
    "B does not speak TLS: give the broker's port for TLS, or tlsEnabled: false",
  ]);
  t.match(await faultOf(connectionTo('tls', await listen(t, silent)), undefined, 500), [
    'timeout',
    /no connection within 500 ms to B/,
  ]);
  const secured = await ListeningBroker.listen(t, 'tls');
  const [, text] = (await faultOf(connectionTo('tcp', secured.port), NO_MQTT_CREDENTIALS)) ?? [];
  t.match(text, /before its CONNACK: if it is the broker's port for TLS, give tlsEnabled: true$/);
});

t.test('a protocol of ALPN is agreed upon, or the connection ends', async (t) => {
  const agreed = await ListeningBroker.listen(t, 'tls', { ALPNProtocols: ['mqtt'] });
  await attempt(connectionTo('tls', agreed.port, { alpnProtocols: ['other', 'mqtt'] }));
  const { port } = await ListeningBroker.listen(t, 'tls', { ALPNProtocols: ['other'] });
  t.match(await faultOf(connectionTo('tls', port, { alpnProtocols: ['mqtt'] })), [
    'tls',
    'B knows none of the protocols in tls.alpnProtocols (ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL)',
  ]);
  const without = await ListeningBroker.listen(t, 'tls');
  t.same(await faultOf(connectionTo('tls', without.port, { alpnProtocols: ['mqtt'] })), [
    'tls',
    'B chooses none of the protocols in tls.alpnProtocols: it may not know ALPN',
  ]);
});

t.test('a server cannot have another handshake on an open connection', async (t) => {
  const { port, below } = await listenPeer(t, 'tls', { maxVersion: 'TLSv1.2' });
  const outcome = faultOf(connectionTo('tls', port), undefined, 500);
  const socket = (await below) as TLSSocket;
  let again = 0;
  socket.once('data', () => socket.renegotiate({}, () => again++));
  t.ok(await outcome);
  t.equal(again, 0);
});

t.test('handshakes that drip end with the time-out, and so does silence', async (t) => {
  // A ServerHello that never gets beyond its first bytes; an HTTP answer that never ends.
  const drips: readonly [PeerKind, string][] = [
    ['tls', '\x16\x03\x03\x40\x00\x02'],
    ['ws', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: '],
  ];
  for (const [kind, beginning] of drips) {
    const server = createServer((socket) => {
      socket.write(Buffer.from(beginning, 'latin1'));
      const timer = setInterval(() => socket.write('x'), 20);
      socket.on('close', () => clearInterval(timer));
    });
    const port = await listen(t, server);
    t.same(await faultOf(connectionTo(kind, port), undefined, 300), [
      'timeout',
      'no connection within 300 ms to B',
    ]);
  }
  const { port } = await listenPeer(t, 'tls');
  t.same(await faultOf(connectionTo('tls', port), undefined, 300), [
    'timeout',
    'no CONNACK within 300 ms',
  ]);
});

t.test('what is no WebSocket for MQTT is named', async (t) => {
  const cases: readonly (readonly [number, string, RegExp])[] = [
    [404, 'protocol', /^B answers HTTP 404 to the WebSocket request for \/mqtt: is this the path/],
    [401, 'authentication', /^B answers HTTP 401 .*: it asks for a login of its own/],
    [302, 'protocol', /^B answers HTTP 302/],
  ];
  for (const [status, reason, text] of cases) {
    const server = createHttpServer();
    server.on('upgrade', (_, socket: Duplex) =>
      socket.end(`HTTP/1.1 ${status} No\r\nLocation: ws://elsewhere/\r\nContent-Length: 0\r\n\r\n`),
    );
    t.match(await faultOf(connectionTo('ws', await listen(t, server))), [reason, text]);
  }
  const mail = createServer((socket) => socket.end('220 mail\r\n'));
  t.match(await faultOf(connectionTo('ws', await listen(t, mail))), [
    'protocol',
    /^B does not speak WebSocket/,
  ]);
  const other = createHttpServer();
  new WebSocketServer({ server: other, handleProtocols: () => false });
  t.match(await faultOf(connectionTo('ws', await listen(t, other))), [
    'protocol',
    /^B does not offer MQTT over WebSocket \(the subprotocol mqtt\)/,
  ]);
});

t.test('a hostile WebSocket peer ends its connection, and nothing grows', async (t) => {
  const frames: readonly [title: string, frame: Buffer, text: RegExp][] = [
    ['a text frame', Buffer.from('810178', 'hex'), /sent a text frame, which MQTT never does/],
    // A binary message of 2^40 bytes.
    ['a giant', Buffer.from('827f0000010000000000', 'hex'), /larger than any packet may be/],
    ['a masked frame', Buffer.from('828100000000ff', 'hex'), /breaks the WebSocket protocol/],
  ];
  for (const [title, frame, text] of frames) {
    const { port, below, accepted } = await listenPeer(t, 'ws');
    const outcome = faultOf(connectionTo('ws', port));
    const socket = await below;
    await accepted;
    socket.write(frame);
    t.match(await outcome, ['protocol', text], title);
  }
});

t.test('pings are answered as long as the answers are taken', async (t) => {
  const { port, below, accepted } = await listenPeer(t, 'ws');
  const outcome = faultOf(connectionTo('ws', port), undefined, 3_000);
  const socket = await below;
  const stream = await accepted;
  let bytes = 0;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  const ping = Buffer.concat([Buffer.from('897d', 'hex'), Buffer.alloc(125, 1)]);
  socket.write(ping);
  await once(socket, 'data');
  stream.resume();
  socket.write(Buffer.from('8800', 'hex'));
  t.match(await outcome, ['protocol', /WebSocket's code 1005/]);
  t.ok(bytes > 125, 'a pong came');
});
