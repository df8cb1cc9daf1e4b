/** What an agent says about its library. */
interface Library {
  readonly language?: string | undefined;
  readonly version?: string | undefined;
  readonly runtime?: string | undefined;
}

/** The library of an agent in one phrase, such as `python 0.1.0 on 3.12.1`; undefined when the agent says nothing. */
export function libraryOf({ language, version, runtime }: Library): string | undefined {
  const library = [language, version].filter((part) => part !== undefined).join(' ');
  if (runtime === undefined) return library || undefined;
  return `${library || 'not known'} on ${runtime}`;
}
