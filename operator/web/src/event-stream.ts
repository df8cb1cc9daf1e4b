import { createParser } from 'eventsource-parser';

/** One event of an event stream. */
export interface StreamEvent {
  readonly event: string;
  readonly data: string;
}

/** Parses a text stream in pieces. An incomplete event is returned with the piece that completes it. */
export function eventReader(): (piece: string) => StreamEvent[] {
  let events: StreamEvent[] = [];
  const parser = createParser({ onEvent: ({ event = 'message', data }) => events.push({ event, data }) });
  return (piece) => {
    events = [];
    parser.feed(piece);
    return events;
  };
}
