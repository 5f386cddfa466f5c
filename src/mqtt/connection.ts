/* Connection: one socket, from CONNECT to its end: writes, keep alive, pause and resume; no session
 * state. Main thread only. What comes in is packet-reader.ts's.
 */
import type { Packet } from 'mqtt-packet';
import type { Clock } from '../base/clock.js';
import type { ConnectionLossReason } from '../metrics/reasons.js';
import { controlPacketBytes } from './control-packet.js';
import { ConnectionFault } from './dial/connection-fault.js';
import type { Dial, Transport } from './dial/transport.js';
import { KeepAlive } from './keep-alive.js';
import { PROTOCOL_ERROR, SUCCESS } from './reason-code.js';
import {
  type PacketHandlers,
  PacketReader,
  type PacketReaderOptions,
} from './receive/packet-reader.js';
import { Output } from './send/output.js';
import { VARINT_MAX } from './wire.js';

/** A fixed header and what its Remaining Length can say. */
const PACKET_BYTES_MAX = 5 + VARINT_MAX;
const PUBACK_FIRST_BYTE = 0x40;
const PUBACK_BYTES_MAX = 5;
/** How long the broker may take to close after our DISCONNECT: a process that stops waits for it. */
export const LINGER_MS = 2_000;

/** Why a connection ended. `reasonCode` is what either side said, where one did. */
export interface Closed {
  readonly reason: string;
  readonly reasonCode: number | undefined;
  /** What sort of reason, where that is known by more than its words. */
  readonly lossReason: ConnectionLossReason | undefined;
}

export interface ConnectionHandlers extends PacketHandlers {
  onOpen(): void;
  /** The socket has taken everything, after it had not. */
  onDrained(): void;
  onClosed(closed: Closed): void;
}

export interface ConnectionOptions extends PacketReaderOptions {
  readonly host: string;
  readonly port: number;
  readonly connectTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly clock: Clock;
  readonly dial: Dial;
  readonly handlers: ConnectionHandlers;
}

export class Connection {
  /** Where PUBLISHes are written; `flush` makes the socket's write happen. */
  readonly output: Output;
  readonly #options: ConnectionOptions;
  readonly #handlers: ConnectionHandlers;
  readonly #transport: Transport;
  readonly #reader: PacketReader;
  readonly #keepAlive: KeepAlive;
  #cancelWriteWatch: (() => void) | undefined;
  #cancelDestroy: () => void = () => {};
  #closed: Closed | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#handlers = options.handlers;
    this.#reader = new PacketReader(options, {
      ...options.handlers,
      onBatchEnd: () => {
        this.#handlers.onBatchEnd();
        this.flush();
      },
      onPaused: () => {
        this.#keepAlive.onPaused();
        this.#transport.pause();
      },
      onKept: () => this.resume(),
      onPingresp: () => {
        if (this.#keepAlive.onPingresp()) return;
        this.disconnect(PROTOCOL_ERROR, 'the broker sent PINGRESPs that nobody asked for');
      },
      onBroken: (reasonCode, reason) => this.disconnect(reasonCode, reason),
    });
    this.#keepAlive = new KeepAlive(
      options.clock,
      () => this.send({ cmd: 'pingreq' }),
      (reason) => this.destroy(reason),
    );
    this.#transport = options.dial({
      host: options.host,
      port: options.port,
      timeoutMs: options.connectTimeoutMs,
      packetBytesMax: Math.min(options.maximumPacketSize, PACKET_BYTES_MAX),
      nextBuffer: () => this.#reader.nextBuffer(),
      onBytes: (bytes) => {
        // Told first: who reads may pause.
        this.#keepAlive.onHeard(bytes);
        this.#reader.onBytes(bytes);
        this.#hearPackets();
      },
      onHeard: (bytes) => this.#keepAlive.onHeard(bytes),
      onConnected: () => {
        if (this.#closed === undefined) this.#handlers.onOpen();
      },
      onDrained: () => {
        if (this.#closed === undefined) this.#handlers.onDrained();
      },
      onClosed: (error) => this.#onSocketClosed(error),
    });
    this.output = new Output(
      (bytes) => this.#write(bytes),
      () => this.#transport.writableLength,
    );
  }

  get paused(): boolean {
    return this.#reader.paused;
  }

  /** Starts PINGREQs: after CONNACK, which may have another interval than CONNECT. */
  keepAlive(seconds: number): void {
    this.#keepAlive.start(seconds);
  }

  /** Writes a packet that is neither PUBLISH nor PUBACK. */
  send(packet: Packet): void {
    if (this.#closed !== undefined) return;
    this.output.write(controlPacketBytes(packet));
  }

  /** Adds a PUBACK to the next write; `flush` makes that write happen. */
  puback(packetId: number, reasonCode: number): void {
    let at = this.output.reserve(PUBACK_BYTES_MAX);
    const { bytes } = this.output;
    bytes[at++] = PUBACK_FIRST_BYTE;
    // Without a reason code it means success [section 3.4.2.1].
    bytes[at++] = reasonCode === SUCCESS ? 2 : 3;
    bytes[at++] = packetId >> 8;
    bytes[at++] = packetId & 0xff;
    if (reasonCode !== SUCCESS) bytes[at++] = reasonCode;
    this.output.commit(at);
  }

  /** Writes the PUBACKs and PUBLISHes that were added. */
  flush(): void {
    this.output.flush();
  }

  /** Offers what was left unread again, and reads on when all of it is taken. */
  resume(): void {
    const mayRead = this.#reader.resume();
    this.#hearPackets();
    if (!mayRead) return;
    this.#keepAlive.onReading();
    this.#transport.resume();
  }

  /** Says why with DISCONNECT, unless a payload that is not ours is in its way, and ends the connection. */
  disconnect(
    reasonCode: number,
    reason: string,
    properties?: { sessionExpiryInterval?: number },
  ): void {
    if (this.#closed !== undefined) return;
    if (this.#transport.connecting) {
      this.destroy(reason);
      return;
    }
    if (this.output.borrowing) {
      // From here on the memory is its owner's again, and the socket shall not read it any more.
      this.#finish({ reason, reasonCode, lossReason: undefined });
      this.#transport.destroy();
      return;
    }
    this.send({ cmd: 'disconnect', reasonCode, ...(properties && { properties }) });
    this.#finish({ reason, reasonCode, lossReason: undefined });
    this.#transport.end();
    // A paused socket would never see that the peer has closed it too.
    this.#transport.resume();
    // A peer that does not read keeps nothing of ours alive.
    this.#cancelDestroy = this.#options.clock.after(LINGER_MS, () => this.#transport.destroy());
  }

  /** Ends the connection without a word; `reasonCode` is the broker's, where it had one. */
  destroy(reason: string, reasonCode?: number, lossReason?: ConnectionLossReason): void {
    this.#finish({ reason, reasonCode, lossReason });
    this.#transport.destroy();
  }

  #hearPackets(): void {
    if (this.#reader.takeEnded()) this.#keepAlive.onReceived();
  }

  #finish(closed: Closed): void {
    if (this.#closed !== undefined) return;
    this.#closed = closed;
    this.#keepAlive.stop();
    this.#cancelWriteWatch?.();
    this.#reader.close();
    this.#handlers.onClosed(closed);
  }

  #onSocketClosed(error: Error | undefined): void {
    this.#cancelDestroy();
    const reason = error === undefined ? 'the broker closed the connection' : error.message;
    const known = error instanceof ConnectionFault ? error.lossReason : undefined;
    const lossReason = error === undefined ? 'closed' : known;
    this.#finish({ reason, reasonCode: undefined, lossReason });
    this.#reader.onSocketClosed();
  }

  #write(bytes: Uint8Array): void {
    if (this.#closed !== undefined) return;
    this.#keepAlive.onSent();
    this.#transport.write(bytes);
    if (this.#transport.writableLength > 0) this.#watchWrite();
  }

  /** A broker that stops reading is as good as gone. */
  #watchWrite(): void {
    if (this.#cancelWriteWatch !== undefined) return;
    const sent = this.#sentBytes();
    const queued = this.#transport.writeQueueBytes;
    this.#cancelWriteWatch = this.#options.clock.after(this.#options.writeTimeoutMs, () => {
      this.#cancelWriteWatch = undefined;
      if (this.#closed !== undefined || this.#transport.writableLength === 0) return;
      const progress = this.#sentBytes() > sent || this.#transport.writeQueueBytes !== queued;
      if (progress) this.#watchWrite();
      else this.destroy(`the broker took nothing for ${this.#options.writeTimeoutMs} ms`);
    });
  }

  #sentBytes(): number {
    return this.#transport.bytesWritten - this.#transport.writableLength;
  }
}
