/* Dialling: an end point -> a connected socket that reads into memory of ours. TCP; TLS belongs here
 * too, where the bytes come by copy because a TLSSocket has no `onread`.
 */
import { connect, type OnReadOpts, type Socket } from 'node:net';

export interface DialOptions {
  readonly host: string;
  readonly port: number;
  readonly timeoutMs: number;
  /** Where the next bytes shall go: never empty. */
  readonly nextBuffer: () => Uint8Array;
  /** `bytes` of them went to the start of the last `nextBuffer`. */
  readonly onBytes: (bytes: number) => void;
  readonly onConnected: () => void;
  /** The kernel has taken all that was written, after it had not. */
  readonly onDrained: () => void;
  /** Once, whatever came before; `error` is undefined when the other side just closed. */
  readonly onClosed: (error: Error | undefined) => void;
}

/** Dials; what comes of it is told by the callbacks. */
export function dial(options: DialOptions): Socket {
  let failure: Error | undefined;
  // Node's types know Buffer and Uint8Array alike here; memory that threads share works too.
  const onread: OnReadOpts = {
    buffer: options.nextBuffer,
    callback: (bytes) => {
      options.onBytes(bytes);
      return true;
    },
  };
  const socket = connect({ host: options.host, port: options.port, noDelay: true, onread });
  const timer = setTimeout(() => {
    socket.destroy(new Error(`no connection within ${options.timeoutMs} ms`));
  }, options.timeoutMs);
  socket.on('connect', () => {
    clearTimeout(timer);
    options.onConnected();
  });
  socket.on('drain', options.onDrained);
  socket.on('error', (error) => {
    failure = error;
  });
  socket.on('end', () => socket.destroy());
  socket.on('close', () => {
    clearTimeout(timer);
    options.onClosed(failure);
  });
  return socket;
}

/**
 * How much of the write under way the kernel has not taken. Node's own time-outs look at it too
 * (`_onTimeout` in net.js): `bytesWritten` and `writableLength` move only between two writes, and one of
 * many megabytes may take longer than any time-out.
 */
export function writeQueueBytes(socket: Socket): number {
  const { _handle: handle } = socket as Socket & { _handle?: { writeQueueSize?: number } | null };
  return handle?.writeQueueSize ?? 0;
}
