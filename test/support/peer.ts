import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { createWebSocketStream, WebSocketServer } from 'ws';
import type { MqttConnection } from '../../src/config/model.js';
import type { MqttCredentials } from '../../src/secrets/mqtt-credentials.js';
import { seal } from '../../src/secrets/sealed.js';
import { mqttConnection } from './mqtt-access.js';
import { BROKER, BROKER_CA_PEM } from './server-certificates.js';

/* The other side of a connection of any kind, on a free port of 127.0.0.1. */

export const PEER_KINDS = ['tcp', 'tls', 'ws', 'wss'] as const;
export type PeerKind = (typeof PEER_KINDS)[number];

export interface Teardown {
  teardown(callback: () => unknown): void;
}

export interface Peer {
  readonly server: Server;
  readonly port: number;
  /** The first connection, as a stream of what the protocols below MQTT carry. */
  readonly accepted: Promise<Duplex>;
  /** What lies below WebSocket, and is encrypted by TLS, of the first connection. */
  readonly below: Promise<Duplex>;
}

/** Calls `onConnection` for each connection; without it the first is `accepted`. */
export async function listenPeer(
  test: Teardown,
  kind: PeerKind,
  tls: TlsOptions = {},
  onConnection: (stream: Duplex) => void = () => {},
): Promise<Peer> {
  let accept: (stream: Duplex) => void = () => {};
  const accepted = new Promise<Duplex>((resolve) => {
    accept = resolve;
  });
  const server = createPeer(kind, { ...BROKER, ...tls }, (stream) => {
    stream.on('error', () => {});
    onConnection(stream);
    accept(stream);
  });
  const isTls = kind === 'tls' || kind === 'wss';
  const below = new Promise<Duplex>((resolve) => {
    server.once(isTls ? 'secureConnection' : 'connection', resolve);
  });
  const port = await listen(test, server);
  return { server, port, accepted, below };
}

/** Has a server listen, and ends it and its connections with the test. */
export async function listen(test: Teardown, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  test.teardown(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return (server.address() as AddressInfo).port;
}

function createPeer(
  kind: PeerKind,
  tls: TlsOptions,
  onConnection: (stream: Duplex) => void,
): Server {
  if (kind === 'tcp') return createServer({ allowHalfOpen: true }, onConnection);
  if (kind === 'tls') return createTlsServer(tls, onConnection);
  const server = kind === 'ws' ? createHttpServer() : createHttpsServer(tls);
  const webSockets = new WebSocketServer({ server, handleProtocols: () => 'mqtt' });
  webSockets.on('connection', (webSocket) => onConnection(createWebSocketStream(webSocket)));
  return server;
}

/** What trusts such a peer. */
export const PEER_CREDENTIALS = seal<MqttCredentials>({ caPem: BROKER_CA_PEM });

/** How such a peer is reached. */
export function connectionTo(
  kind: PeerKind,
  port: number,
  changes: Partial<MqttConnection> = {},
): MqttConnection {
  return mqttConnection({
    port,
    tls: kind === 'tls' || kind === 'wss' ? { caConfigMap: 'broker-ca' } : undefined,
    webSocketPath: kind === 'ws' || kind === 'wss' ? '/mqtt' : undefined,
    ...changes,
  });
}
