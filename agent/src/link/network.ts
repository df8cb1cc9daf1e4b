/** The parts of the link that use the network. They are loaded only when there is an operator. */
export { connect } from './connect.ts';
export { UnprotectedWarnings } from './unprotected.ts';
