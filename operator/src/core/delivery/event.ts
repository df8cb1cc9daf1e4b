/**
 * One event of an event stream, as bytes. The data becomes one line of JSON, so it can hold no line break that would
 * end the event early.
 *
 * @throws {RangeError} when the name or the id holds a line break.
 */
export function encodeEvent(name: string, data: unknown, id?: string): Buffer {
  if (/[\r\n\0]/.test(name + (id ?? ''))) throw new RangeError('the name and the id of an event must be one line');
  return Buffer.from(`event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
}
