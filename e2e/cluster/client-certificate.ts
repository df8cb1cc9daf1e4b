import { run } from './run.ts';

/**
 * Writes an authority of users, `ca.crt`, and the certificate of one of them, `NAME.crt` and `NAME.key`, into a folder.
 */
export async function clientCertificate(folder: string, name: string): Promise<void> {
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder });
  await openssl(
    ...['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=people'],
    ...['-keyout', 'ca.key', '-out', 'ca.crt'],
  );
  const request = ['-subj', `/CN=${name}`, '-keyout', `${name}.key`, '-out', `${name}.csr`];
  await openssl('req', '-newkey', 'rsa:2048', '-nodes', ...request);
  await openssl(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2'],
    ...['-out', `${name}.crt`],
  );
}
