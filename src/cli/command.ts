/** What a command is, how its words are read, and how its help is written: once for all of them. */
import { parseArgs } from 'node:util';

export interface Option {
  /** What stands for the value in the help, such as `ID`; undefined for a switch. */
  readonly value?: string;
  readonly help: string;
  readonly required?: boolean;
  /** The only values that it takes. */
  readonly choices?: readonly string[];
}

export interface CommandInput {
  /** The value of a string option; undefined where it was left out. */
  option(name: string): string | undefined;
  /** The value of a required option. */
  required(name: string): string;
  flag(name: string): boolean;
  readonly positionals: readonly string[];
}

/** Where a command writes: data to standard output, everything else to standard error. */
export interface Terminal {
  out(text: string): void;
  error(text: string): void;
}

export interface Command {
  /** One or two words, such as `key create`. */
  readonly name: string;
  readonly summary: string;
  /** What follows the options, such as `FILE|URL`; undefined for none. */
  readonly positional?: string;
  /** Whether it may stand there several times. */
  readonly several?: boolean;
  readonly options: Readonly<Record<string, Option>>;
  readonly example: string;
  /** Gives the exit code. */
  run(input: CommandInput, terminal: Terminal): Promise<number>;
}

/** The words of the call are wrong; exit code 2, with the help's address. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** Something that is not as the command needs it, said in a sentence; exit code 1. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}

export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;

const HELP: Option = { help: 'shows this text' };

/** Finds the command that `words` name, runs it and gives the exit code. */
export async function runCommand(
  commands: readonly Command[],
  words: readonly string[],
  terminal: Terminal,
): Promise<number> {
  const command = commands.find(({ name }) => name === words.slice(0, name.split(' ').length).join(' '));
  if (command === undefined) return listCommands(commands, words, terminal);
  try {
    const input = readWords(command, words.slice(command.name.split(' ').length));
    if (input.flag('help')) {
      terminal.out(helpOf(command));
      return EXIT.ok;
    }
    requireAll(command, input);
    return await command.run(input, terminal);
  } catch (error) {
    if (error instanceof CommandError) {
      terminal.error(error.message);
      return EXIT.failed;
    }
    if (!(error instanceof UsageError)) throw error;
    terminal.error(`${error.message}\nTry: earshot ${command.name} --help`);
    return EXIT.usage;
  }
}

/** Prints one JSON document where `--json` was given, else the lines for people. */
export function printResult(input: CommandInput, terminal: Terminal, value: unknown, lines: readonly string[]): void {
  terminal.out(input.flag('json') ? JSON.stringify(value) : lines.join('\n'));
}

export const JSON_OPTION: Option = { help: 'prints one JSON document' };

function listCommands(commands: readonly Command[], words: readonly string[], terminal: Terminal): number {
  const wantsHelp = words.length === 0 || words[0] === 'help' || words[0] === '--help' || words[0] === '-h';
  const group = commands.filter(({ name }) => name.startsWith(`${words[0]} `));
  if (!wantsHelp && group.length === 0) {
    terminal.error(`There is no command "${words.slice(0, 2).join(' ')}" in this version.\nTry: earshot --help`);
    return EXIT.usage;
  }
  const shown = wantsHelp ? commands : group;
  const width = Math.max(...shown.map(({ name }) => name.length));
  const lines = shown.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`);
  const text = ['Usage: earshot COMMAND [OPTIONS]', '', ...lines, '', 'Each command takes --help.'].join('\n');
  if (wantsHelp || words.includes('--help')) terminal.out(text);
  else terminal.error(text);
  return wantsHelp || words.includes('--help') ? EXIT.ok : EXIT.usage;
}

function readWords(command: Command, words: readonly string[]): CommandInput {
  const options = Object.fromEntries(
    Object.entries({ ...command.options, help: HELP }).map(([name, option]) => [
      name,
      { type: option.value === undefined ? ('boolean' as const) : ('string' as const) },
    ]),
  );
  let parsed: { values: Record<string, unknown>; positionals: string[] };
  try {
    parsed = parseArgs({ args: [...words], options, allowPositionals: command.positional !== undefined, strict: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? (error.message.split('. ')[0] ?? '') + '.' : String(error));
  }
  const { values, positionals } = parsed;
  const text = (name: string): string | undefined => (typeof values[name] === 'string' ? values[name] : undefined);
  return {
    option: text,
    required: (name) => text(name) ?? '',
    flag: (name) => values[name] === true,
    positionals,
  };
}

function requireAll(command: Command, input: CommandInput): void {
  for (const [name, option] of Object.entries(command.options)) {
    if (option.required === true && input.required(name) === '')
      throw new UsageError(`--${name} ${option.value} is missing.`);
  }
  const { positional, several = false } = command;
  const count = input.positionals.length;
  if (positional === undefined || count === 1 || (several && count > 1)) return;
  throw new UsageError(`${several ? 'At least one' : 'One'} ${positional} is expected, ${count} were given.`);
}

function helpOf(command: Command): string {
  const rows = Object.entries({ ...command.options, help: HELP }).map(([name, option]) => ({
    left: `--${name}${option.value === undefined ? '' : ` ${option.value}`}`,
    right: `${option.help}${option.required === true ? ' (required)' : ''}`,
  }));
  const width = Math.max(...rows.map(({ left }) => left.length));
  return [
    `Usage: earshot ${command.name}${positionalOf(command)} [OPTIONS]`,
    '',
    command.summary,
    '',
    ...rows.map(({ left, right }) => `  ${left.padEnd(width)}  ${right}`),
    '',
    `Example: ${command.example}`,
  ].join('\n');
}

function positionalOf({ positional, several }: Command): string {
  return positional === undefined ? '' : ` ${positional}${several === true ? '…' : ''}`;
}
