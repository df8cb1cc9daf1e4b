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

/** Where changes are logged. */
export interface FollowLog {
  info(facts: object, message: string): void;
  error(facts: object, message: string): void;
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
  log: FollowLog,
  everyMs = REREAD_MS,
): () => void {
  return follow({
    first: first.digest,
    read: async () => {
      const certificate = await readCertificate(files);
      return { digest: certificate.digest, value: certificate };
    },
    changed: (certificate) => {
      renewed(certificate);
      const validUntil = new Date(certificate.expires).toISOString();
      const message = 'the certificate was replaced; new connections use the new one';
      log.info({ certFile: files.certFile, validUntil }, message);
    },
    failed: (message) => log.error({}, `${message}; the previous certificate stays in use`),
    everyMs,
  });
}

/**
 * Reads the certificate authorities for injected pods periodically and passes on each change.
 *
 * @param read reads the certificates, in PEM; throws when there are none.
 * @returns a function that stops the reading.
 */
export function followAuthorities(
  read: () => Promise<string>,
  first: string,
  changed: () => void,
  log: FollowLog,
  everyMs = REREAD_MS,
): () => void {
  return follow({
    first,
    read: async () => {
      const authorities = await read();
      return { digest: authorities, value: authorities };
    },
    changed: (authorities) => {
      changed();
      const facts = { authorities: authorities.split('-----BEGIN').length - 1 };
      log.info(facts, 'the certificate authorities were replaced; new pods are given the new ones');
    },
    failed: (message) => log.error({}, `${message}; pods get the certificates that were read last`),
    everyMs,
  });
}

interface Followed<T> {
  /** Digest of what was read first. */
  readonly first: string;
  read(): Promise<{ readonly digest: string; readonly value: T }>;
  changed(value: T): void;
  /** Called once for each distinct message, until something was read again. */
  failed(message: string): void;
  readonly everyMs: number;
}

function follow<T>({ first, read, changed, failed, everyMs }: Followed<T>): () => void {
  let current = first;
  let trouble = '';
  const timer = setInterval(async () => {
    try {
      const { digest, value } = await read();
      trouble = '';
      if (digest === current) return;
      changed(value);
      current = digest;
    } catch (error) {
      const { message } = error as Error;
      if (message !== trouble) failed(message);
      trouble = message;
    }
  }, everyMs);
  timer.unref();
  return () => clearInterval(timer);
}
