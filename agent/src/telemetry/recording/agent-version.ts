/** The version in package.json, which a recording names. */
export const AGENT_VERSION = '0.1.0';
