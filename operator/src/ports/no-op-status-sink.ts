import type { StatusSink } from './status-sink.ts';

/** For a source that cannot store status and Events: the admin API shows statuses, and the log has both. */
export const noOpStatusSink: StatusSink = {
  write() {},
  event() {},
  forget() {},
  async stop() {},
};
