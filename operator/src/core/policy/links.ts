/** The links that a policy can have, each in the annotation `fuseboard.dev/KIND`. */
export const LINK_KINDS = ['dashboard', 'logs', 'runbook'] as const;
export type LinkKind = (typeof LINK_KINDS)[number];

export const linkAnnotation = (kind: LinkKind) => `fuseboard.dev/${kind}`;

/** The longest link that is shown. */
const MAX_LINK = 2_048;

/** A link of a policy for the people who look at its breakers. */
export interface PolicyLink {
  readonly kind: LinkKind;
  /** Absent: the annotation is not an http or https URL, and is not shown as a link. */
  readonly url?: string;
}

/** The links in the annotations of a policy. Annotations that are not strings are not links. */
export function policyLinks(annotations: unknown): PolicyLink[] {
  return LINK_KINDS.flatMap((kind) => {
    const value = (annotations as Record<string, unknown> | null | undefined)?.[linkAnnotation(kind)];
    if (value === undefined) return [];
    return [typeof value === 'string' && isSafe(value) ? { kind, url: value } : { kind }];
  });
}

/** A link of a policy for one breaker: `{breaker}` and `{namespace}` in it are replaced. */
export const linkFor = (
  url: string,
  { breaker, namespace }: { readonly breaker: string; readonly namespace: string },
) =>
  url
    .replaceAll(/\{breaker\}|%7Bbreaker%7D/gi, () => encodeURIComponent(breaker))
    .replaceAll(/\{namespace\}|%7Bnamespace%7D/gi, () => encodeURIComponent(namespace));

/** Whether a browser can follow a link without running code: other schemes, such as `javascript:`, can. */
function isSafe(text: string): boolean {
  if (text.length > MAX_LINK || !URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return (protocol === 'https:' || protocol === 'http:') && username === '' && password === '';
}
