import { found } from './address.ts';
import { duration, plural } from './format.ts';
import { Link } from './link.tsx';
import { address, store } from './model.ts';
import { Nothing } from './nothing.tsx';
import { ACTION_WORDS, active, overrides } from './overrides.ts';
import { OverrideLine } from './steering.tsx';

/** Every override, the newest first. */
export function OverrideList() {
  const known = overrides.value;
  const { search } = address.value;
  if (known.kind === 'unknown') return <p class="list">Reading …</p>;
  if (known.kind === 'absent') return <p class="list">This operator knows no overrides.</p>;
  if (known.kind === 'refused') return <p class="list notice bad">{known.why}</p>;
  const items = known.items.filter((one) =>
    found(
      search,
      one.namespace,
      one.name,
      one.reason,
      one.createdBy,
      one.action && ACTION_WORDS[one.action],
      ...(one.breakers ?? []),
    ),
  );
  if (items.length === 0) {
    return (
      <Nothing
        title="No overrides"
        filtered={known.items.length > 0}
        hidden={`There are ${plural(known.items.length, 'override')}.`}
      >
        Open a breaker on the <Link to={{ view: 'board' }}>board</Link> to force it open or closed, or to reset it.
      </Nothing>
    );
  }
  return (
    <div class="list">
      <table>
        <caption>Overrides, the newest first</caption>
        <thead>
          <tr>
            <th>breakers</th>
            <th>what, why, by whom</th>
          </tr>
        </thead>
        <tbody>
          {items.map((one) => (
            <tr key={one.uid}>
              <td>
                {one.namespace}/{(one.breakers ?? []).join(', ')}
              </td>
              <td>
                {active(one, store.now.value) ? (
                  <OverrideLine override={one} />
                ) : (
                  <span class="by">
                    {one.action && ACTION_WORDS[one.action]}: {one.reason ?? one.problems[0]?.message}
                    {one.createdBy !== undefined && ` · by ${one.createdBy}`} · ended{' '}
                    {duration(store.now.value - one.expiresAt)} ago
                  </span>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
