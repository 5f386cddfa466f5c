/* The reference of the command line, from the commands themselves. */
import type { Argument, Command, Option } from 'commander';

const INTRODUCTION = `# Command line

<!-- Generated from src/cli by: node dist/src/cli/write-reference.js -->

\`npx millrace COMMAND\` where the package is installed, \`node dist/src/main.js COMMAND\` in a checkout
that is built.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | it failed; what went wrong is on standard error, with a code of [errors.md](errors.md) where it has one |
| 2 | wrong usage, or a configuration with errors |
`;

/** The whole page, as it is kept in docs/reference/cli.md. */
export function cliReference(program: Command): string {
  return [INTRODUCTION, ...program.commands.flatMap((command) => sections(command, []))].join('');
}

/** One section for a command that does something, or one for each of its own commands. */
function sections(command: Command, parents: readonly string[]): string[] {
  const path = [...parents, command.name()];
  if (command.commands.length > 0) {
    return command.commands.flatMap((child) => sections(child, path));
  }
  const needed = command.registeredArguments.map(argumentText);
  const usage = ['millrace', ...path, ...needed, '[options]'].join(' ');
  return [
    `\n## ${path.join(' ')}\n\n${sentence(command.description())}\n\n\`\`\`\n${usage}\n\`\`\`\n`,
    table(command.options),
  ];
}

function argumentText(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function table(options: readonly Option[]): string {
  if (options.length === 0) return '';
  const rows = options
    .filter(({ hidden }) => !hidden)
    .map((option) => [
      `\`${option.flags}\``,
      option.mandatory ? 'yes' : 'no',
      defaultOf(option),
      descriptionOf(option),
    ]);
  const heads = ['option', 'required', 'default', 'meaning'];
  const lines = [heads, heads.map(() => '---'), ...rows];
  return `\n${lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}`;
}

/** A flag that is off, and a list that is empty, have no default to speak of. */
function defaultOf(option: Option): string {
  const { defaultValue } = option;
  if (option.negate || option.isBoolean() || defaultValue === undefined) return '';
  if (Array.isArray(defaultValue) && defaultValue.length === 0) return '';
  return `\`${String(defaultValue)}\``;
}

function descriptionOf({ description, argChoices }: Option): string {
  const choices = argChoices?.map((choice) => `\`${choice}\``).join(', ');
  const text = choices === undefined ? description : `${description}: ${choices}`;
  return sentence(text.replaceAll('|', '\\|').replaceAll('<', '\\<'));
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
