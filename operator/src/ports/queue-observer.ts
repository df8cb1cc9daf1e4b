/** Is notified of the progress of the items in a queue, by their keys. */
export interface QueueObserver {
  /** An item waits; nothing new when it waited before. */
  added(key: string): void;
  taken(key: string): void;
  /** A waiting item is not wanted any more. */
  dropped(key: string): void;
  /** The work on an item is over, for now or for good. */
  done(key: string, result: 'success' | 'error'): void;
  /** An item will be worked on again because it failed. */
  retried(key: string): void;
}

export const noOpQueueObserver: QueueObserver = { added() {}, taken() {}, dropped() {}, done() {}, retried() {} };

/** Works on the only item of a queue. */
export function observed(observer: QueueObserver, key: string, work: () => void): void {
  observer.added(key);
  observer.taken(key);
  try {
    work();
  } catch (error) {
    observer.done(key, 'error');
    throw error;
  }
  observer.done(key, 'success');
}
