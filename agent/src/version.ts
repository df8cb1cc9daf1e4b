/** The version in package.json, for operators and for the header of a recording. */
export const AGENT_VERSION = '0.1.0';
