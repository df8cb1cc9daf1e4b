/** What of the link talks to the operator; it is loaded only where there is one. */
export { Reporter } from './reporter.ts';
export { Stream } from './stream.ts';
