/** What JMeter's response code and success say: a status, or a kind of error where there was no answer. */
export function jmeterEnding(
  code: string,
  success: boolean,
): { status?: number; error?: string; outcome: 'success' | 'failure' } {
  const status = /^\d{3}$/.test(code) ? Number(code) : undefined;
  const thrown = /^Non HTTP response code: (?:[\w$]+\.)*([\w$]+)/.exec(code)?.[1];
  return {
    ...(status === undefined ? {} : { status }),
    ...(thrown === undefined ? {} : { error: thrown }),
    outcome: success ? 'success' : 'failure',
  };
}

export const CLOSED_LOOP =
  'A load test waits for answers: slow answers made fewer calls (coordinated omission), so rates in an incident are understated.';
