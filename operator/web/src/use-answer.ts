import { useEffect, useState } from 'preact/hooks';
import { ask, Refused } from './connection.ts';
import { connection } from './model.ts';

export interface Answer<T> {
  readonly value?: T;
  /** Why there is no answer, or why it is outdated. */
  readonly problem?: string;
  /** The HTTP status of an error. */
  readonly status?: number;
}

const AGAIN_MS = 2_000;

/** The operator's answer at a path, requested every 2 s while the page is live. No path: no request. */
export function useAnswer<T>(path: string | undefined, everyMs = AGAIN_MS): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T> & { path?: string }>({});
  useEffect(() => {
    if (path === undefined) return;
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async () => {
      try {
        const value = connection.link.peek().phase === 'live' ? await ask<T>(path) : undefined;
        if (!over && value !== undefined) setAnswer({ path, value });
      } catch (error) {
        const problem = error instanceof Error ? error.message : String(error);
        const refusal = error instanceof Refused && { status: error.status };
        if (!over) setAnswer((before) => ({ ...(before.path === path ? before : { path }), problem, ...refusal }));
      }
      if (!over) timer = setTimeout(look, everyMs);
    };
    void look();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [path, everyMs]);
  return answer.path === path ? answer : {};
}
