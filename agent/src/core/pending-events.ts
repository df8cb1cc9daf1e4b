import type { Circuit, Host } from './circuit.ts';
import type { TransitionEvent } from './state.ts';

interface Pending {
  readonly events: TransitionEvent[];
  isNotifying: boolean;
}

/**
 * Changes of state that listeners were not notified of yet. They exist only until the operation on a circuit ends, so
 * circuits have no field for them.
 */
const pendingEvents = new Map<Circuit, Pending>();

/** Stores a change of state until the circuit is consistent again. */
export function addPending(circuit: Circuit, event: TransitionEvent): void {
  const pending = pendingEvents.get(circuit);
  if (pending === undefined) pendingEvents.set(circuit, { events: [event], isNotifying: false });
  else pending.events.push(event);
}

/** Notifies the host of the changes of a circuit that is consistent. */
export function notifyPending(circuit: Circuit, host: Host): void {
  const pending = pendingEvents.size === 0 ? undefined : pendingEvents.get(circuit);
  if (pending === undefined || pending.isNotifying) return;
  pending.isNotifying = true;
  // A listener that uses the breaker may add to the list; every listener gets every event in order.
  for (const event of pending.events) host.transitioned(event);
  pendingEvents.delete(circuit);
}
