/* How long the certificates are good that a connection is made with. */
import { X509Certificate } from 'node:crypto';
import { type ClientCertificate, certificatesOf } from './credential-parts.js';

export type CertificateExpiries = ReadonlyMap<'ca' | 'client', number>;

export interface Certificates {
  /** Of a config map; undefined: there is none, and the system's CAs are its own concern. */
  readonly caPem: string | undefined;
  readonly client: ClientCertificate | undefined;
}

/**
 * When they expire, in milliseconds since 1970. Of several CAs the one that is good for longest counts: which
 * of them the server's certificate is of is not known here. Of a client certificate with those between it
 * and its CA the first to expire counts.
 */
export function certificateExpiries({ caPem, client }: Certificates): CertificateExpiries {
  const expiries = new Map<'ca' | 'client', number>();
  if (caPem !== undefined) expiries.set('ca', Math.max(...endsOf(caPem)));
  if (client !== undefined) expiries.set('client', Math.min(...endsOf(client.certificatePem)));
  return expiries;
}

function endsOf(pem: string): number[] {
  return certificatesOf(pem, 'values that were read').map((each) =>
    Date.parse(new X509Certificate(each).validTo),
  );
}
