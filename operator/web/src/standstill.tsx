import { connection } from './model.ts';

/** The message of the page while it has no board to show. */
export function Standstill() {
  const link = connection.link.value;
  if (link.phase === 'refused') {
    const unknown = link.status === 401;
    return (
      <main class="standstill" aria-label="Refused">
        <h2>{unknown ? 'The operator does not know you' : 'You may not see this'}</h2>
        <p>{link.why}</p>
        <p>
          {unknown
            ? 'Open the page with `fuseboard ui`, which passes on your credentials of the cluster.'
            : 'Ask for the right to list and watch circuitbreakerpolicies, or add ?namespace=NAME for a namespace that you may see.'}
        </p>
        <Again />
      </main>
    );
  }
  if (link.phase === 'lost') {
    return (
      <main class="standstill" aria-label="Not connected">
        <h2>The operator cannot be reached</h2>
        <p>{link.why}. The page tries again by itself.</p>
        <Again />
      </main>
    );
  }
  return (
    <main class="standstill" aria-label="Loading" aria-busy="true">
      <p>Reading the state of the fleet …</p>
      <div class="ghosts" aria-hidden="true">
        {[1, 2, 3, 4, 5, 6].map((one) => (
          <div key={one} class="ghost" />
        ))}
      </div>
    </main>
  );
}

const Again = () => (
  <button type="button" onClick={() => connection.retry()}>
    Try now
  </button>
);
