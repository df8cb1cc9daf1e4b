import { createParser } from 'eventsource-parser';
/** A fenced block of code in a Markdown file. */
export interface Block {
  readonly path: string;
  /** The line of its opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly text: string;
  /** Why it is not run, from `<!-- not-run: reason -->` on the line above; absent when it is. */
  readonly notRun?: string;
}

const FENCE = /^( {0,3})(`{3,}|~{3,})\s*([^\s`]*)/;
const NOT_RUN = /^\s*<!-- not-run: (.+\S) -->\s*$/;

/** Lists the fenced blocks of a Markdown text. */
export function blocks(path: string, markdown: string): Block[] {
  const found: Block[] = [];
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const opening = FENCE.exec(lines[at]!);
    if (!opening) continue;
    const [, , fence, language] = opening;
    const body: string[] = [];
    const first = at;
    while (++at < lines.length && !lines[at]!.trim().startsWith(fence!)) body.push(lines[at]!);
    const notRun = NOT_RUN.exec(lines[first - 1] ?? '')?.[1];
    found.push({
      path,
      line: first + 1,
      language: language!,
      text: `${body.join('\n')}\n`,
      ...(notRun === undefined ? {} : { notRun }),
    });
  }
  return found;
}

/** Lists the targets of links and pictures that lie in the repository, without their fragments. */
export function relativeLinks(markdown: string): string[] {
  const prose = markdown.replace(/^( {0,3})(`{3,}|~{3,})[\s\S]*?^ {0,3}\2/gm, '').replace(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)].map(([, target]) => target!);
  const html = [...prose.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, target]) => target!);
  return [...inline, ...html]
    .filter((target) => !/^([a-z]+:|#)/.test(target))
    .map((target) => target.replace(/#.*$/, ''));
}

/** One event of a text in the format of an event stream. */
export interface StreamEvent {
  readonly event: string;
  readonly data: unknown;
}

/** Reads a text such as the body of a stream; comments and ids are left out. */
export function streamEvents(text: string): StreamEvent[] {
  const events: StreamEvent[] = [];
  const parser = createParser({
    onEvent: ({ event = 'message', data }) => events.push({ event, data: JSON.parse(data) as unknown }),
  });
  parser.feed(`${text}\n\n`);
  return events;
}
