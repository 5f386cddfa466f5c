/* SocketTransport: a socket of node:net or node:tls as it is. */
import type { Socket } from 'node:net';
import type { Backlog } from './backlog.js';
import type { ConnectionFault, Target } from './connection-fault.js';
import { SocketWatch } from './socket-watch.js';
import type { DialOptions, Transport } from './transport.js';

export interface Handshake {
  /** The socket's event after which packets may be sent. */
  readonly opened: 'connect' | 'secureConnect';
  /** What is wrong with what was made then; undefined when nothing is. */
  readonly check?: () => ConnectionFault | undefined;
  /** Where bytes wait that come although reading is paused; left out: none do. */
  readonly backlog?: Backlog;
}

export class SocketTransport implements Transport {
  readonly #socket: Socket;
  readonly #watch: SocketWatch;
  readonly #backlog: Backlog | undefined;

  constructor(socket: Socket, target: Target, options: DialOptions, handshake: Handshake) {
    const { opened, check, backlog } = handshake;
    this.#socket = socket;
    this.#backlog = backlog;
    this.#watch = new SocketWatch(socket, target, options);
    socket.on(opened, () => {
      const fault = check?.();
      if (fault !== undefined) {
        socket.destroy(fault);
        return;
      }
      this.#watch.opened();
      options.onConnected();
    });
    socket.on('drain', options.onDrained);
    socket.on('end', () => socket.destroy());
  }

  get connecting(): boolean {
    return !this.#watch.isOpen;
  }

  get bytesWritten(): number {
    return this.#socket.bytesWritten;
  }

  get writableLength(): number {
    return this.#socket.writableLength;
  }

  get writeQueueBytes(): number {
    return writeQueueBytes(this.#socket);
  }

  write(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  end(): void {
    this.#socket.end();
  }

  pause(): void {
    this.#backlog?.pause();
    this.#socket.pause();
  }

  resume(): void {
    if (this.#backlog?.resume() !== false) this.#socket.resume();
  }

  destroy(error?: Error): void {
    this.#backlog?.clear();
    this.#socket.destroy(error);
  }
}

interface Handle {
  readonly writeQueueSize?: number;
  /** Of a TLSSocket: what carries the encrypted bytes. */
  readonly _parent?: Handle | null;
}

/**
 * How much of the write under way the kernel has not taken. Node's own time-outs look at it too
 * (`_onTimeout` in net.js): `bytesWritten` and `writableLength` move only between two writes, and one of
 * many megabytes may take longer than any time-out. With TLS the part that moves is below: what is
 * encrypted counts until all of it is gone.
 */
export function writeQueueBytes(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: Handle | null };
  return (handle?.writeQueueSize ?? 0) + (handle?._parent?.writeQueueSize ?? 0);
}
