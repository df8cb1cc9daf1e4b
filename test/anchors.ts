/** A link to a heading, of this document where the target is empty. */
export interface Anchored {
  readonly target: string;
  readonly fragment: string;
}

const CODE = /^( {0,3})(`{3,}|~{3,})[\s\S]*?^ {0,3}\2/gm;

/** The links of a Markdown text that name a heading of a file of this repository. */
export function links(markdown: string): Anchored[] {
  const prose = markdown.replace(CODE, '').replace(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\((?![a-z]+:)([^)#\s]*)#([^)\s]+)\)/g)].map(([, target, fragment]) => ({
    target: target!,
    fragment: fragment!,
  }));
}

/** The anchors of the headings of a Markdown text, as GitHub makes them. */
export function anchors(markdown: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading] of markdown.replace(CODE, '').matchAll(/^#{1,6} +(.+)$/gm)) {
    const plain = heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let i = 1; found.has(anchor); i++) anchor = `${slug}-${i}`;
    found.add(anchor);
  }
  return found;
}
