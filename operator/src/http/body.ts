import type { Request, Response } from 'express';
import { FairShare } from '../core/limits/fair-share.ts';
import type { LimitLog } from '../core/limits/limit-log.ts';
import type { LimitReason } from '../core/limits/limits.ts';
import { Problem } from '../ports/problem.ts';

/** Bodies are counted in blocks of this many bytes, so that one of a few bytes counts too. */
const BLOCK = 4_096;

export interface BodiesOptions {
  /** Limit of one body. */
  readonly maxBytes: number;
  /** Limit of all bodies that are being read or answered, in MiB. */
  readonly totalMiB: number;
  /** How far one namespace of sources can fill the total: see `FairShare`. */
  readonly namespaceShare?: number;
  readonly reason: LimitReason;
  readonly limits: LimitLog;
  /** Returns the retry time for a refused body, in ms. */
  readonly retryAfterMs: () => number;
}

/** The sender of a body, for a fair share. */
export interface BodySource {
  readonly namespace: string;
  readonly pod?: { readonly name: string; readonly uid: string };
}

/**
 * Reads bodies of requests within a budget of memory that their sources share. What a body takes is counted as it
 * arrives and until its request is answered, so unfinished bodies count, and those that are only announced do not.
 */
export class Bodies {
  readonly #options: BodiesOptions;
  readonly #share: FairShare;

  constructor(options: BodiesOptions) {
    this.#options = options;
    const { totalMiB, namespaceShare } = options;
    const total = (totalMiB * 1024 * 1024) / BLOCK;
    this.#share = new FairShare({ total, ...(namespaceShare !== undefined && { namespaceShare }) });
  }

  /**
   * Checks what the headers say of a body. One that is compressed is refused, because a decoder may take megabytes for
   * a few bytes before its first output.
   *
   * @throws {Problem} when the body is not read.
   */
  check(request: Request): void {
    if (!request.is('application/json')) throw new Problem(415, 'content-type: must be application/json');
    if (request.get('content-encoding') !== undefined) {
      throw new Problem(415, 'content-encoding: is not accepted; send plain JSON');
    }
    const length = request.get('content-length');
    if (Number(length ?? 0) > this.#options.maxBytes) throw this.#tooLarge(length);
  }

  /**
   * Reads a body; the response holds its memory until it is closed.
   *
   * @throws {Problem} when it is too large, when the budget has no room for it, or when it ends early.
   */
  read(request: Request, response: Response, { namespace, pod }: BodySource): Promise<Buffer> {
    const { maxBytes, reason, limits, retryAfterMs } = this.#options;
    const most = Math.min(Number(request.get('content-length') ?? maxBytes), maxBytes);
    // One buffer that grows, because a chunk of one byte takes as much memory as a long one.
    let buffer = Buffer.alloc(0);
    let length = 0;
    let blocks = 0;
    response.on('close', () => this.#share.release(namespace, pod?.uid, blocks));

    const grow = (needed: number): boolean => {
      const size = Math.min(most, Math.max(needed, 2 * buffer.length, BLOCK));
      const more = Math.ceil(size / BLOCK) - blocks;
      if (this.#share.take(namespace, pod?.uid, more) !== undefined) return false;
      blocks += more;
      const larger = Buffer.allocUnsafeSlow(size);
      buffer.copy(larger, 0, 0, length);
      buffer = larger;
      return true;
    };

    return new Promise((resolve, reject) => {
      const refuse = (problem: Problem) => {
        request.off('data', take).pause();
        buffer = Buffer.alloc(0);
        // The rest of the body is not read.
        response.set('connection', 'close');
        reject(problem);
      };
      const take = (chunk: Buffer) => {
        const needed = length + chunk.length;
        if (needed > maxBytes) return refuse(this.#tooLarge());
        if (needed > buffer.length && !grow(needed)) {
          limits.reached(reason, pod ? { namespace, pod: pod.name } : { source: namespace });
          return refuse(new Problem(503, 'too many bodies are being read; send it again later', retryAfterMs()));
        }
        chunk.copy(buffer, length);
        length = needed;
      };
      request.on('data', take);
      request.once('end', () => resolve(buffer.subarray(0, length)));
      request.once('close', () => reject(new Problem(400, 'the body: ends early')));
    });
  }

  #tooLarge(length?: string): Problem {
    const { maxBytes } = this.#options;
    return new Problem(413, `the body has ${length ?? 'too many'} bytes; the limit is ${maxBytes}; send it in parts`);
  }
}

/**
 * Parses a JSON body.
 *
 * @throws {Problem} when it is not JSON.
 */
export function parseBody(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    throw new Problem(400, 'the body: must be JSON');
  }
}

const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = [...Buffer.from('"\\,[{')] as [
  number,
  number,
  number,
  number,
  number,
];

/**
 * Whether a JSON text may have more values than a limit. Each value but the first follows a comma or an opening
 * bracket; an empty array or object counts twice.
 */
export function hasMoreValues(body: Buffer, most: number): boolean {
  if (body.length <= most) return false;
  let values = 1;
  let quoted = false;
  for (let at = 0; at < body.length; at += 1) {
    const byte = body[at];
    if (byte === QUOTE) quoted = !quoted;
    else if (quoted) at += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA || byte === BRACKET || byte === BRACE) values += 1;
    if (values > most) return true;
  }
  return false;
}
