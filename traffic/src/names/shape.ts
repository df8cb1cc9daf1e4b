const MAX_READ = 400;
const MAX_SHOWN = 100;

/** Why a line is no record, without a word of it: any word may be somebody's. */
export function causeOf(line: string): string {
  const text = line.trim();
  if (text === '') return 'it is blank';
  if (!/^[{[]/.test(text)) return `it does not have the form of the others; its marks are ${shapeOf(text)}`;
  try {
    JSON.parse(text);
    return 'it is JSON without the fields of the format, or with values of another kind';
  } catch {
    return 'it begins like JSON and is none, as when it was cut off';
  }
}

/** The marks of a line, with `a` for each word and `9` for each number. */
export function shapeOf(line: string): string {
  const shape = line
    .slice(0, MAX_READ)
    .replace(/[^\x20-\x7e]+/g, 'a')
    .replace(/[0-9]*[a-z_][\w]*/gi, 'a')
    .replace(/[0-9]+/g, '9');
  return shape.length > MAX_SHOWN || line.length > MAX_READ ? `${shape.slice(0, MAX_SHOWN)}…` : shape;
}
