import { duration } from './format.ts';
import { store } from './model.ts';
import { Block } from './panel.tsx';
import { useAnswer } from './use-answer.ts';
import { yaml } from './yaml.ts';

interface Revision {
  readonly revision: number;
  readonly at: number;
  readonly current: boolean;
  readonly changes: readonly { readonly field: string; readonly from?: unknown; readonly to?: unknown }[];
}

/** What the policy was, and what each edit changed, where the operator keeps it. */
export function PolicyHistory({ path }: { path: string }) {
  const { value, status, problem } = useAnswer<{ items: readonly Revision[] }>(`${path}/history`, 5_000);
  if (status === 404 || (!value && !problem)) return null;
  return (
    <Block title="Revisions">
      {problem !== undefined && <p class="notice bad">{problem}</p>}
      <ol class="changes">
        {(value?.items ?? []).map(({ revision, at, current, changes }) => (
          <li key={revision}>
            <time dateTime={new Date(at).toISOString()} title={new Date(at).toLocaleString()}>
              {duration(store.now.value - at)} ago
            </time>
            <span>
              <b>revision {revision}</b>
              {current && (
                <>
                  {' '}
                  <span class="badge small closed">now</span>
                </>
              )}
              {changes.map(({ field, from, to }) => (
                <span key={field} class="edit">
                  <code>{field}</code>: <del>{text(from)}</del> <ins>{text(to)}</ins>
                </span>
              ))}
            </span>
          </li>
        ))}
      </ol>
    </Block>
  );
}

const text = (value: unknown) => (value === undefined ? 'absent' : yaml(value).trim());
