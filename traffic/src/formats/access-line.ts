/**
 * Address or `-`, identity, user, bracketed time, request, status, bytes, and further fields. A virtual host with its
 * port may come first.
 */
const LINE =
  /^(?:([\w.-]+):\d+ )?(\S+) (\S+) (.*?) ?\[([^\]]{20,40})\] "((?:[^"\\]|\\.)*)" (\d{3}|-) (\d+|-)(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)")?(?: (.*))?$/;
const REQUEST = /^([A-Z]+) (\S+)/;
const TOKEN = /(?:([a-z_]+)=)?(?:"((?:[^"\\]|\\.)*)"|([^\s,]+(?:(?:, | : )[^\s,]+)*))/gi;

/** A line in the common or combined format of web servers, with the fields after it. */
export interface AccessLine {
  readonly host: string | undefined;
  readonly time: string;
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly status: number | undefined;
  readonly agent: string | undefined;
  readonly rest: string | undefined;
}

export function parseAccessLine(text: string): AccessLine | undefined {
  const found = LINE.exec(text);
  if (!found) return undefined;
  const request = REQUEST.exec(found[6]!);
  return {
    host: found[1],
    time: found[5]!,
    method: request?.[1],
    path: request?.[2],
    status: found[7] === '-' ? undefined : Number(found[7]),
    agent: found[10],
    rest: found[11],
  };
}

/** A field after the combined format. A list of several attempts is one field. */
export interface ExtraField {
  readonly name: string | undefined;
  readonly value: string;
}

export function extraFields(rest: string | undefined): ExtraField[] {
  if (rest === undefined) return [];
  return [...rest.matchAll(TOKEN)].map(([, name, quoted, bare]) => ({
    name: name?.toLowerCase(),
    value: quoted ?? bare!,
  }));
}

/** Sums a list of seconds such as `0.1, 0.2 : 0.3`, in milliseconds. Parts that are `-` are skipped. */
export function secondsList(text: string): { readonly ms: number; readonly tries: number } {
  const parts = text.split(/\s*[,:]\s*/).filter((part) => /^\d+(\.\d+)?$/.test(part));
  const ms = parts.reduce((sum, part) => sum + Number(part) * 1000, 0);
  return { ms: parts.length === 0 ? Number.NaN : ms, tries: parts.length };
}

export const isSeconds = (value: string) => /^\d+\.\d{3}$/.test(value);
export const isSecondsList = (value: string) =>
  /^[\d.,: -]+$/.test(value) && secondsList(value).tries > 0 && value.includes('.');
/** One address with a port, or several of them. */
export const isUpstream = (value: string) =>
  /^(?:unix:\S+|\[?[\w.:-]+\]?:\d+)(?:(?:, | : )(?:unix:\S+|\[?[\w.:-]+\]?:\d+))*$/.test(value);
