import type { Edits, Field } from './numbers.ts';

/** Up to how many times the number in force a slider reaches. */
const SLIDER_FACTOR = 4;
const SHORTEST_SLIDER = 20;

interface Props {
  readonly fields: readonly Field[];
  readonly edits: Edits;
  readonly onEdit: (field: string, value: number) => void;
  readonly processes: number;
  readonly onProcesses: (processes: number) => void;
}

/** An input and a slider for each number of the policy, and for the number of processes. */
export function Fields({ fields, edits, onEdit, processes, onProcesses }: Props) {
  return (
    <div class="numbers">
      {fields.map(({ name, path, unit, value, highest }) => {
        const key = path.join('.');
        // Durations are edited in seconds.
        const scale = unit === 'duration' ? 1_000 : 1;
        return (
          <NumberInput
            key={key}
            name={name}
            unit={unit === 'duration' ? 's' : unit}
            value={(edits[key] ?? value) / scale}
            inForce={value / scale}
            least={1 / scale}
            highest={highest / scale}
            onInput={(edited) => onEdit(key, Math.round(edited * scale))}
          />
        );
      })}
      <NumberInput
        name="processes"
        unit=""
        value={processes}
        inForce={processes}
        least={1}
        highest={100_000}
        onInput={(value) => onProcesses(Math.round(value))}
      />
    </div>
  );
}

interface NumberProps {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly inForce: number;
  readonly least: number;
  readonly highest: number;
  readonly onInput: (value: number) => void;
}

function NumberInput({ name, unit, value, inForce, least, highest, onInput }: NumberProps) {
  const take = (text: string) => {
    const number = Number.parseFloat(text);
    if (number >= least && number <= highest) onInput(number);
  };
  const top = unit === '%' ? highest : Math.min(highest, Math.max(SHORTEST_SLIDER, SLIDER_FACTOR * inForce));
  const label = unit === '' ? name : `${name}, ${unit}`;
  return (
    <label class={value === inForce ? undefined : 'changed'}>
      <span>{label}</span>
      <input
        type="range"
        aria-label={`${label}, slider`}
        min={1}
        max={top}
        value={value}
        onInput={(event) => take(event.currentTarget.value)}
      />
      <input
        type="number"
        aria-label={label}
        min={least}
        max={highest}
        step="any"
        value={value}
        onInput={(event) => take(event.currentTarget.value)}
      />
    </label>
  );
}
