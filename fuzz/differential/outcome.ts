/** How a call of a case ends. */
export type Outcome =
  | 'success'
  | 'failed'
  | 'ignored'
  | { readonly throws: Thrown }
  | { readonly returns: { readonly status: number; readonly headers?: Record<string, string> } };

interface Thrown {
  readonly classes?: readonly string[];
  readonly responseStatus?: number;
  readonly responseHeaders?: Record<string, string>;
  readonly cause?: Thrown;
  readonly [field: string]: unknown;
}

/** The error of an outcome: of a class that extends the classes before it in the list, with its fields. */
export function errorOf(outcome: Outcome): Error {
  return thrown(typeof outcome === 'object' && 'throws' in outcome ? outcome.throws : {});
}

function thrown({ classes = [], responseStatus, responseHeaders, cause, ...fields }: Thrown): Error {
  let type: ErrorConstructor = Error;
  for (const name of classes) type = { [name]: class extends type {} }[name] as unknown as ErrorConstructor;
  const response =
    responseStatus === undefined ? {} : { response: { status: responseStatus, headers: responseHeaders ?? {} } };
  return Object.assign(new type('down', cause && { cause: thrown(cause) }), fields, response);
}

/** The response of an outcome; absent for one that is no response. */
export function responseOf(outcome: Outcome): Response | undefined {
  return typeof outcome === 'object' && 'returns' in outcome ? new Response(null, outcome.returns) : undefined;
}
