/* TCP: the kernel writes the socket's bytes straight into memory of ours. */
import { connect, type OnReadOpts } from 'node:net';
import { SocketTransport } from './socket-transport.js';
import type { Dial, DialOptions } from './transport.js';

/** Dials without TLS. */
export const dialTcp: Dial = (options) => {
  const { host, port } = options;
  const target = { host, port, tls: undefined, authentication: { kind: 'none' } } as const;
  const socket = connect({ host, port, noDelay: true, onread: onread(options) });
  return new SocketTransport(socket, 'connect', target, options);
};

/** Has a socket read into our memory; one of node:tls too, which decrypts to there. */
export function onread({ nextBuffer, onBytes }: DialOptions): OnReadOpts {
  return {
    // Node's types know Buffer and Uint8Array alike here; memory that threads share works too.
    buffer: nextBuffer,
    callback: (bytes) => {
      onBytes(bytes);
      return true;
    },
  };
}
