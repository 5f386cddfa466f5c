/* What an MQTT connection of the configuration is dialled with. */
import type { MqttConnection } from '../../config/model.js';
import type { MqttCredentials } from '../../secrets/mqtt-credentials.js';
import type { Sealed } from '../../secrets/sealed.js';
import { addressOf, ConnectionFault } from './connection-fault.js';
import { dialTcp } from './tcp.js';
import { dialTls } from './tls.js';
import type { Dial, DialOptions, Transport } from './transport.js';
import { dialWebSocket, type WebSocketTarget } from './websocket.js';

/** How to reach a broker, and what to show it. */
export interface MqttAccess {
  readonly connection: MqttConnection;
  /** Asked at every dial: new values are used from then on. */
  readonly credentials: () => Sealed<MqttCredentials>;
}

/** A dialler that never throws: what cannot even be begun is told as any connection that fails. */
export function dialler(
  connection: WebSocketTarget,
  credentials: () => Sealed<MqttCredentials>,
): Dial {
  const { webSocketPath, tls } = connection;
  if (webSocketPath === undefined && tls === undefined) return dialTcp;
  const dial = webSocketPath === undefined ? dialTls : dialWebSocket;
  return (options) => {
    try {
      return dial(connection, credentials(), options);
    } catch (error) {
      return new Stillborn(options, unusable(connection, error));
    }
  };
}

/** What node:tls says of credentials has no value of them in it, and a code that OpenSSL's words go with. */
function unusable(connection: WebSocketTarget, error: unknown): ConnectionFault {
  const { code, reason } = error as NodeJS.ErrnoException & { reason?: unknown };
  const said = typeof reason === 'string' ? `${reason} (${code})` : (code ?? 'unknown error');
  return new ConnectionFault(
    'tls',
    `no connection to ${addressOf(connection)} can be begun: TLS cannot use its credentials: ${said}`,
  );
}

/** A transport that was never anything: it closes as soon as whoever dialled can hear of it. */
class Stillborn implements Transport {
  readonly connecting = true;
  readonly bytesWritten = 0;
  readonly writableLength = 0;
  readonly writeQueueBytes = 0;

  constructor({ onClosed }: DialOptions, fault: ConnectionFault) {
    setImmediate(() => onClosed(fault));
  }

  write(): void {}
  end(): void {}
  pause(): void {}
  resume(): void {}
  destroy(): void {}
}
