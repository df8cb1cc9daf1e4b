import { type CallObserver, type CallObservers, callObservers } from '../../core/observers/call-observer.ts';

/** The list shared by all copies of the package in a process. Each copy passes it to its own core. */
interface Shared extends CallObservers {
  readonly copies: Set<CallObservers>;
}

const KEY = Symbol.for('fuseboard.calls/1');

function shared(): Shared {
  const holder = globalThis as { [KEY]?: Shared };
  holder[KEY] ??= { list: undefined, copies: new Set() };
  return holder[KEY];
}

/** Makes the breakers of this copy of the package observable by all copies. */
export function shareCallObservers(): void {
  const { copies, list } = shared();
  copies.add(callObservers);
  callObservers.list = list;
}

/** Subscribes to the calls of every breaker of the process. @returns a function that ends the subscription. */
export function observeCalls(observer: CallObserver): () => void {
  shareCallObservers();
  replace([...(shared().list ?? []), observer]);
  return () => replace((shared().list ?? []).filter((each) => each !== observer));
}

function replace(list: readonly CallObserver[]): void {
  const all = shared();
  all.list = list.length === 0 ? undefined : list;
  for (const copy of all.copies) copy.list = all.list;
}
