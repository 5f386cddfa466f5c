/* TCP: the kernel writes the socket's bytes straight into memory of ours. */
import { connect, type OnReadOpts } from 'node:net';
import { sharedLookup } from './lookup.js';
import { SocketTransport } from './socket-transport.js';
import type { Dial } from './transport.js';

/** Dials without TLS. */
export const dialTcp: Dial = (options) => {
  const { host, port } = options;
  const target = { host, port, tls: undefined, authentication: { kind: 'none' } } as const;
  // Node's types know Buffer and Uint8Array alike here; memory that threads share works too.
  const onread: OnReadOpts = {
    buffer: options.nextBuffer,
    callback: (bytes) => {
      options.onBytes(bytes);
      return true;
    },
  };
  const socket = connect({ host, port, noDelay: true, onread, lookup: sharedLookup });
  return new SocketTransport(socket, target, options, { opened: 'connect' });
};
