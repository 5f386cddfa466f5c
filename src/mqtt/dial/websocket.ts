/* MQTT over WebSocket [MQTT-6.0.0]: a message holds part of a packet, a packet, or several.
 *
 * 1. A message is whole before it is handed on, so the largest packet bounds what is kept of one.
 * 2. What is read while reading is paused is kept in order: a message and what one read had behind it.
 * 3. What is sent is copied by the masking of WebSocket: memory of the caller's is free at once.
 */
import { createRequire } from 'node:module';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { WebSocket } from 'ws';
import { shortText } from '../../base/short-text.js';
import type { MqttConnection } from '../../config/model.js';
import type { MqttCredentials } from '../../secrets/mqtt-credentials.js';
import type { Sealed } from '../../secrets/sealed.js';
import { Backlog } from './backlog.js';
import { addressOf, ConnectionFault, earlyEndHint } from './connection-fault.js';
import { sharedLookup } from './lookup.js';
import { writeQueueBytes } from './socket-transport.js';
import { SocketWatch } from './socket-watch.js';
import { checkSecured, type TlsTarget, tlsOptions } from './tls.js';
import type { DialOptions, Transport } from './transport.js';

/** [MQTT-6.0.0-3] */
const SUBPROTOCOL = 'mqtt';
/** Packets that a broker may send in one message with the largest. */
const FURTHER_BYTES_MAX = 1024 * 1024;
/** Pongs beyond this in the socket are not sent: who asks for them does not take them. */
const PONG_UNSENT_BYTES_MAX = 65_536;
/** What was sent is all that is to be said [RFC 6455, section 7.4.1]. */
const NORMAL_CLOSURE = 1000;

const require = createRequire(import.meta.url);

export type WebSocketTarget = TlsTarget & Pick<MqttConnection, 'webSocketPath'>;

/** Dials `ws://`, or `wss://` where the target has TLS. `credentials` are those of now. */
export function dialWebSocket(
  target: WebSocketTarget,
  credentials: Sealed<MqttCredentials>,
  options: DialOptions,
): Transport {
  return new WebSocketTransport(target, credentials, options);
}

class WebSocketTransport implements Transport {
  readonly #target: WebSocketTarget;
  readonly #options: DialOptions;
  readonly #socket: Socket;
  readonly #webSocket: WebSocket;
  readonly #watch: SocketWatch;
  readonly #backlog: Backlog;
  #bytesWritten = 0;

  constructor(target: WebSocketTarget, credentials: Sealed<MqttCredentials>, options: DialOptions) {
    this.#target = target;
    this.#options = options;
    this.#backlog = new Backlog(options);
    this.#socket = this.#connect(credentials);
    const scheme = target.tls === undefined ? 'ws' : 'wss';
    // Here, since it takes 5 MB of memory, of which a bridge over TCP has no use.
    const ws = require('ws') as typeof import('ws');
    this.#webSocket = new ws.WebSocket(
      `${scheme}://${addressOf(target)}${target.webSocketPath ?? '/'}`,
      [SUBPROTOCOL],
      {
        createConnection: () => this.#socket,
        perMessageDeflate: false,
        maxPayload: options.packetBytesMax + FURTHER_BYTES_MAX,
        autoPong: false,
        followRedirects: false,
      },
    );
    this.#listen(this.#webSocket);
    this.#watch = new SocketWatch(
      this.#socket,
      target,
      options,
      (over) => this.#afterSocket(over),
      (error) => this.#faultOf(error),
    );
  }

  get connecting(): boolean {
    return !this.#watch.isOpen;
  }

  get bytesWritten(): number {
    return this.#bytesWritten;
  }

  /** Heads of frames count too, but nothing is unsent that was not written. */
  get writableLength(): number {
    return Math.min(this.#webSocket.bufferedAmount, this.#bytesWritten);
  }

  get writeQueueBytes(): number {
    return writeQueueBytes(this.#socket);
  }

  write(bytes: Uint8Array): void {
    if (this.#webSocket.readyState !== this.#webSocket.OPEN) return;
    this.#bytesWritten += bytes.length;
    this.#webSocket.send(bytes);
  }

  end(): void {
    this.#webSocket.close(NORMAL_CLOSURE);
  }

  pause(): void {
    this.#backlog.pause();
    if (this.#webSocket.readyState === this.#webSocket.OPEN) this.#webSocket.pause();
  }

  resume(): void {
    if (this.#backlog.resume()) this.#webSocket.resume();
  }

  destroy(error?: Error): void {
    this.#backlog.clear();
    this.#socket.destroy(error);
  }

  #connect(credentials: Sealed<MqttCredentials>): Socket {
    const target = this.#target;
    if (target.tls === undefined) {
      const { host, port } = target;
      return connect({ host, port, noDelay: true, lookup: sharedLookup });
    }
    const socket = connectTls(tlsOptions(target, credentials));
    socket.on('secureConnect', () => {
      const fault = checkSecured(socket, target);
      if (fault !== undefined) socket.destroy(fault);
    });
    return socket;
  }

  #listen(webSocket: WebSocket): void {
    webSocket.on('open', () => {
      this.#watch.opened();
      this.#socket.on('drain', this.#options.onDrained);
      // A message may take longer than any Keep Alive, and nothing else comes meanwhile.
      this.#socket.on('data', (bytes) => this.#options.onHeard(bytes.length));
      this.#options.onConnected();
    });
    webSocket.on('message', (message, isBinary) => {
      if (this.#socket.destroyed) return;
      if (isBinary) this.#backlog.take(message as Buffer);
      // [MQTT-6.0.0-1]
      else this.#end(this.#broken('sent a text frame, which MQTT never does'));
    });
    webSocket.on('ping', (data) => {
      if (webSocket.bufferedAmount <= PONG_UNSENT_BYTES_MAX) webSocket.pong(data);
    });
    webSocket.on('unexpected-response', (_, { statusCode = 0 }) => this.#refused(statusCode));
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      // What the socket says itself comes by the watch, also where ws repeats it.
      const fault = this.#faultOf(error);
      if (fault !== undefined) this.#end(fault);
    });
    webSocket.on('close', (code) => {
      if (code !== NORMAL_CLOSURE) this.#watch.failed(this.#closedWith(code));
      this.#socket.destroy();
    });
  }

  /** Of a WebSocket that was open, ws tells only later with which code it was closed. */
  #afterSocket(over: () => void): void {
    const isOver = !this.#watch.isOpen || this.#webSocket.readyState === this.#webSocket.CLOSED;
    if (isOver) over();
    else this.#webSocket.once('close', over);
  }

  #refused(statusCode: number): void {
    const isLogin = statusCode === 401 || statusCode === 403;
    const remedy = isLogin ? 'it asks for a login of its own' : 'is this the path of MQTT there?';
    const { webSocketPath } = this.#target;
    const what = `answers HTTP ${statusCode} to the WebSocket request for ${webSocketPath}`;
    const lossReason = isLogin ? 'authentication' : 'protocol';
    this.#end(this.#broken(`${what}: ${remedy}`, lossReason));
  }

  /** Undefined where it is not about WebSocket: a socket's own errors have codes of the system's. */
  #faultOf(error: NodeJS.ErrnoException): ConnectionFault | undefined {
    const { code, message } = error;
    if (code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH') {
      return this.#broken('sent a WebSocket message that is larger than any packet may be');
    }
    if (message === 'socket hang up') return this.#hungUp();
    const isPlain = this.#target.tls === undefined;
    if (code === 'ECONNRESET' && isPlain && !this.#watch.isOpen) return this.#noAnswer();
    if (code?.startsWith('HPE_') === true) {
      return this.#broken("does not speak WebSocket: give the broker's port for it, or mqtt://");
    }
    if (/subprotocol/.test(message)) {
      return this.#broken('does not offer MQTT over WebSocket (the subprotocol mqtt)');
    }
    const isForeign = code !== undefined && !code.startsWith('WS_ERR_');
    if (isForeign || error instanceof ConnectionFault) return undefined;
    return this.#broken(`breaks the WebSocket protocol: ${shortText(message)}`);
  }

  /** Node.js says so too where the socket has an error of its own, which comes next. */
  #hungUp(): ConnectionFault | undefined {
    return this.#socket.errored === null ? this.#noAnswer() : undefined;
  }

  #noAnswer(): ConnectionFault {
    const hint = this.#target.tls === undefined ? '' : `; ${earlyEndHint(this.#target)}`;
    return this.#broken(
      `ends the connection at the WebSocket request: does it speak WebSocket?${hint}`,
    );
  }

  #broken(what: string, lossReason: ConnectionFault['lossReason'] = 'protocol'): ConnectionFault {
    return new ConnectionFault(lossReason, `${addressOf(this.#target)} ${what}`);
  }

  #closedWith(code: number): ConnectionFault {
    const detail = `the broker closed the connection (WebSocket's code ${code})`;
    return new ConnectionFault('closed', detail);
  }

  #end(fault: ConnectionFault): void {
    this.#watch.failed(fault);
    this.#socket.destroy();
  }
}
