/** The parts of the link that use the network. They are loaded only when there is an operator. */
export { Ledger } from './ledger.ts';
export { Reporter } from './reporter.ts';
export { Stream } from './stream.ts';
