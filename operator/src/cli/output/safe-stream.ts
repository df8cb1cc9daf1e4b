import { escaped } from '../../core/printable.ts';

const ESC = String.raw`\u001b`;

/** What our own commands write beside text: the colours of `styleText`, and a line or a screen that is begun again. */
const COLOUR = String.raw`\u001b\[(?:[012]|22|3[0-79]|39|9[0-7])m`;
const OURS = new RegExp(String.raw`^(?:${ESC}\[1;1H|${ESC}\[0?J|\r${ESC}\[K[^\p{Cc}]*)$`, 'u');
const UNSAFE = new RegExp(String.raw`${COLOUR}|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]`, 'gu');

/**
 * A stream to a terminal that passes text, lines and colours, and makes anything else visible that would steer the
 * terminal, whoever wrote it. All that the command line and the log write goes through it.
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
