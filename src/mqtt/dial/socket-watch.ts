/* SocketWatch: how long a socket's handshakes may take, and why it closed. */
import type { Socket } from 'node:net';
import {
  type ConnectionFault,
  connectionFault,
  noConnection,
  type Target,
} from './connection-fault.js';
import type { DialOptions } from './transport.js';

/** Without a byte either way for so long, the kernel asks whether the other side is there. */
const KERNEL_IDLE_MS = 60_000;

export class SocketWatch {
  readonly #timer: NodeJS.Timeout;
  #failure: Error | undefined;
  #isOpen = false;

  /**
   * @param last what comes after the socket's end and before all is over; calls back when it has
   * @param explain what an error means that is not the socket's own; undefined where it is
   */
  constructor(
    socket: Socket,
    target: Target,
    options: DialOptions,
    last: (over: () => void) => void = (over) => over(),
    explain: (error: Error) => ConnectionFault | undefined = () => undefined,
  ) {
    this.#timer = setTimeout(() => {
      socket.destroy(noConnection(target, options.timeoutMs));
    }, options.timeoutMs);
    // Of the kernel's own, for where Keep Alive is turned off.
    socket.setKeepAlive(true, KERNEL_IDLE_MS);
    socket.on('error', (error) => {
      this.failed(explain(error) ?? connectionFault(error, target, this.#isOpen));
    });
    socket.on('close', () => {
      clearTimeout(this.#timer);
      last(() => options.onClosed(this.#failure));
    });
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The handshakes are over. */
  opened(): void {
    this.#isOpen = true;
    clearTimeout(this.#timer);
  }

  /** What is said first is the cause of what is said later. */
  failed(fault: ConnectionFault): void {
    this.#failure ??= fault;
  }
}
