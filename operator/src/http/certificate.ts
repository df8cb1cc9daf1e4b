import { createHash, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { CertificateFiles } from '../config/listen.ts';
import { readBoundedFile } from '../files/bounded-file.ts';
import { unreadable } from '../files/unreadable.ts';

/** A certificate chain and its matching key, both in PEM. */
export interface Certificate {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** Hash that identifies the pair. */
  readonly digest: string;
  /** End of the validity of the first certificate of the chain, in milliseconds since 1970. */
  readonly expires: number;
}

/** Read interval of the files. The kubelet takes longer to update a mounted secret. */
const REREAD_MS = 5_000;

/**
 * Reads a certificate and its key.
 *
 * @throws when a file cannot be read or the two do not match; the message names the flag.
 */
export async function readCertificate({ certFile, keyFile }: CertificateFiles): Promise<Certificate> {
  const read = (flag: string, path: string) =>
    readBoundedFile(path, { trust: 'secret' }).catch((error: Error) => {
      throw new Error(`--tls-${flag}-file: ${unreadable(path, error)}; name another file`);
    });
  const [cert, key] = [await read('cert', certFile), await read('key', keyFile)];
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    throw new Error(
      `--tls-cert-file, --tls-key-file: ${(error as Error).message}; ${certFile} and ${keyFile} must be PEM files that belong together`,
    );
  }
  return {
    cert,
    key,
    digest: createHash('sha256').update(cert).update(key).digest('hex'),
    expires: new X509Certificate(cert).validToDate.getTime(),
  };
}

/**
 * Reads the pair periodically and passes on each new one. An invalid pair, as between the writes of two files, is
 * reported once, and the previous pair stays.
 *
 * @returns a function that stops the reading.
 */
export function followCertificate(
  files: CertificateFiles,
  first: Certificate,
  renewed: (certificate: Certificate) => void,
  log: { info(facts: object, message: string): void; error(facts: object, message: string): void },
  everyMs = REREAD_MS,
): () => void {
  let current = first.digest;
  let trouble = '';
  const timer = setInterval(async () => {
    try {
      const next = await readCertificate(files);
      trouble = '';
      if (next.digest === current) return;
      renewed(next);
      current = next.digest;
      log.info({ certFile: files.certFile }, 'the certificate was replaced; new connections use the new one');
    } catch (error) {
      const { message } = error as Error;
      if (message !== trouble) log.error({}, `${message}; the previous certificate stays in use`);
      trouble = message;
    }
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
