/** One event of an event stream. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** Takes a stream of text apart into events; what has not ended yet is kept for the next piece. */
export function eventReader(): (piece: string) => StreamEvent[] {
  let rest = '';
  return (piece) => {
    const parts = (rest + piece).split('\n\n');
    rest = parts.pop()!;
    return parts.flatMap((part) => {
      const lines = part.split('\n');
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field('data');
      return data === undefined ? [] : [{ event: field('event') ?? 'message', data }];
    });
  };
}
