import { InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../config/usage-error.ts';
import { compileTemplate } from './json-path.ts';
import type { Format, ProgramFormat } from './output.ts';

const TEMPLATE = 'jsonpath=';

/** `-o` of commands that list objects. */
export const listOutput = () => outputOf<Format>(['text', 'wide', 'name', 'json', 'yaml']);

/** `-o` of commands that print one answer. */
export const answerOutput = () => outputOf<'text' | ProgramFormat>(['text', 'json', 'yaml']);

/** `-o` with the given formats, and a JSONPath template as kubectl takes it: `jsonpath={.items[*].name}`. */
function outputOf<T extends Format>(formats: readonly (T & string)[]): Option {
  const option = new Option('-o, --output <format>', 'output format');
  option.choices([...formats, `${TEMPLATE}TEMPLATE`]).default('text');
  return option.argParser((value: string): T | { readonly render: (value: unknown) => string } => {
    if (value.startsWith(TEMPLATE)) return { render: templateOf(value.slice(TEMPLATE.length)) };
    const format = formats.find((one) => one === value);
    if (format !== undefined) return format;
    throw new InvalidArgumentError(`Allowed choices are ${option.argChoices!.join(', ')}.`);
  });
}

function templateOf(template: string) {
  try {
    return compileTemplate(template);
  } catch (error) {
    if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
    throw error;
  }
}
