/* SocketTransport: a socket of node:net or node:tls as it is. */
import type { Socket } from 'node:net';
import type { ConnectionFault, Target } from './connection-fault.js';
import { SocketWatch } from './socket-watch.js';
import type { DialOptions, Transport } from './transport.js';

export class SocketTransport implements Transport {
  readonly #socket: Socket;
  readonly #watch: SocketWatch;

  /**
   * @param opened the socket's event after which packets may be sent
   * @param check what is wrong with what was made then; undefined when nothing is
   */
  constructor(
    socket: Socket,
    opened: 'connect' | 'secureConnect',
    target: Target,
    options: DialOptions,
    check: () => ConnectionFault | undefined = () => undefined,
  ) {
    this.#socket = socket;
    this.#watch = new SocketWatch(socket, target, options);
    socket.on(opened, () => {
      const fault = check();
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
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(error?: Error): void {
    this.#socket.destroy(error);
  }
}

/**
 * How much of the write under way the kernel has not taken. Node's own time-outs look at it too
 * (`_onTimeout` in net.js): `bytesWritten` and `writableLength` move only between two writes, and one of
 * many megabytes may take longer than any time-out. That of a TLSSocket counts what is encrypted.
 */
export function writeQueueBytes(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { writeQueueSize?: number } | null };
  return handle?.writeQueueSize ?? 0;
}
