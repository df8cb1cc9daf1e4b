import type { StatusSink } from './status-sink.ts';

/** For a source that has no place for status and Events: both stay readable through the admin API and the log. */
export const noOpStatusSink: StatusSink = {
  write() {},
  event() {},
  forget() {},
  async stop() {},
};
