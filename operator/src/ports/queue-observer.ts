/** Notified of the progress of the items in a queue, by their keys. */
export interface QueueObserver {
  /** An item was added; called again when it is added while it waits. */
  added(key: string): void;
  /** The work on an item begins. */
  taken(key: string): void;
  /** A waiting item was removed. */
  dropped(key: string): void;
  /** The work on an item ended. */
  done(key: string, result: 'success' | 'error'): void;
  /** A failed item will be retried. */
  retried(key: string): void;
}

export const noOpQueueObserver: QueueObserver = { added() {}, taken() {}, dropped() {}, done() {}, retried() {} };

/** Reports the work on a queue of one item to its observer. */
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
