import { escaped } from '../../core/printable.ts';

const ESC = String.raw`\u001b`;

/**
 * Control sequences of our own commands: the colours of `styleText`, and sequences that redraw a line or the screen.
 */
const COLOUR = String.raw`\u001b\[(?:[012]|22|3[0-79]|39|9[0-7])m`;
const OURS = new RegExp(String.raw`^(?:${ESC}\[1;1H|${ESC}\[0?J|\r${ESC}\[K[^\p{Cc}]*)$`, 'u');
const UNSAFE = new RegExp(String.raw`${COLOUR}|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]`, 'gu');

/**
 * A terminal stream that passes text, line breaks and colours, and escapes any other control sequence, whatever its
 * source. All output of the command line and the log uses it.
 */
export function safeStream(stream: NodeJS.WriteStream): NodeJS.WriteStream {
  const write = (chunk: unknown, ...rest: unknown[]) =>
    (stream.write as (...all: unknown[]) => boolean).call(
      stream,
      typeof chunk === 'string' ? safeText(chunk) : chunk,
      ...rest,
    );
  return new Proxy(stream, {
    get(target, name) {
      if (name === 'write') return write;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' && name !== 'constructor' ? value.bind(target) : value;
    },
  });
}

export function safeText(text: string): string {
  if (OURS.test(text)) return text;
  return text.replace(UNSAFE, (found) =>
    found.length > 2 || found === '\n' || found === '\t' ? found : escaped(found),
  );
}
