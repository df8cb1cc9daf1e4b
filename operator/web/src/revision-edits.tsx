import type { FieldChange } from '../../src/ports/history.ts';
import { yaml } from './yaml.ts';

/** The differences between two specs, field by field. */
export function Edits({ changes }: { changes: readonly FieldChange[] }) {
  return changes.map(({ field, from, to }) => (
    <span key={field} class="edit">
      <code>{field}</code>: <del>{text(from)}</del> <ins>{text(to)}</ins>
    </span>
  ));
}

const text = (value: unknown) => (value === undefined ? 'absent' : yaml(value).trim());
