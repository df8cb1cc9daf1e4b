/**
 * Encodes one event of an event stream. The data becomes one line of JSON, because a line break would end the event
 * early.
 *
 * @throws {RangeError} when the name or the id contains a line break.
 */
export function encodeEvent(name: string, data: unknown, id?: string): Buffer {
  if (/[\r\n\0]/.test(name + (id ?? ''))) throw new RangeError('the name and the id of an event must be one line');
  return Buffer.from(`event: ${name}\n${id === undefined ? '' : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`);
}
