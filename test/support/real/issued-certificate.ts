import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProgram } from './program.js';

/* Certificates that openssl makes while a test runs. */

export interface IssuedCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** For a year, for localhost and 127.0.0.1, of the CA that is given. */
export async function issueCertificate(
  ca: IssuedCertificate,
  commonName: string,
): Promise<IssuedCertificate> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-certificate-'));
  const file = (name: string) => join(folder, name);
  try {
    await writeFile(file('ca.pem'), ca.certificate);
    await writeFile(file('ca.key'), ca.key);
    await writeFile(file('names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
    const request = ['-new', ...key, '-keyout', file('key'), '-out', file('csr')];
    await runProgram('openssl', ['req', ...request, '-subj', `/CN=${commonName}`]);
    const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
    const signing = ['-req', '-in', file('csr'), ...by, '-days', '365', '-out', file('pem')];
    await runProgram('openssl', ['x509', ...signing, '-extfile', file('names')]);
    return {
      certificate: await readFile(file('pem'), 'utf8'),
      key: await readFile(file('key'), 'utf8'),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
