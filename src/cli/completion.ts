/** Completion for shells, written from the table of commands: what is completed is what there is. */
import { UsageError, type Command, type Option } from './command.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

/** @param commands the others; this one is completed too. */
export function completionCommand(commands: readonly Command[]): Command {
  const command: Command = {
    name: 'completion',
    summary: 'Prints what makes a shell complete the words of earshot.',
    positional: SHELLS.join('|'),
    options: {},
    example: 'earshot completion bash > ~/.local/share/bash-completion/completions/earshot',
    async run(input, terminal) {
      const shell = SHELLS.find((name) => name === input.positionals[0]);
      if (shell === undefined) throw new UsageError(`The shell must be one of ${SHELLS.join(', ')}.`);
      terminal.out(SCRIPTS[shell]([...commands, command]));
      return 0;
    },
  };
  return command;
}

const SCRIPTS: Readonly<Record<(typeof SHELLS)[number], (commands: readonly Command[]) => string>> = {
  bash: bashScript,
  // Its own language would say the same once more: zsh reads bash's completion.
  zsh: (commands) =>
    ['#compdef earshot', 'autoload -U +X bashcompinit && bashcompinit', bashScript(commands)].join('\n'),
  fish: fishScript,
};

/** Values that are files and folders are completed as such. */
function isPath(placeholder: string | undefined): boolean {
  return /\b(FILE|FOLDER|MANIFEST)\b/.test(placeholder ?? '');
}

/** The words of a positional such as `bash|zsh|fish`, where it is a choice. */
function positionalChoices({ positional = '' }: Command): readonly string[] {
  return /^[a-z|]+$/.test(positional) ? positional.split('|') : [];
}

function optionsOf(command: Command): [string, Option][] {
  return [...Object.entries(command.options), ['help', { help: 'shows this text' }]];
}

function bashScript(commands: readonly Command[]): string {
  const firstWords = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))];
  const groups = firstWords.filter((word) => commands.some(({ name }) => name.startsWith(`${word} `)));
  return `# Completion of earshot; made by \`earshot completion\`.
_earshot_words() { COMPREPLY=( $(compgen -W "$1" -- "$word") ); }
# Names may hold spaces.
_earshot_files() { local IFS=$'\\n'; COMPREPLY=( $(compgen -f -- "$word") ); compopt -o filenames 2>/dev/null; }
_earshot() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} command=\${COMP_WORDS[1]} words= files=
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    _earshot_words '${firstWords.join(' ')} --help'
    return
  fi
  case $command in
${groups.map((group) => bashGroup(group, commands)).join('\n')}
  esac
  case "$command $before" in
${commands.flatMap(bashValues).join('\n')}
  esac
  case $command in
${commands.map(bashWords).join('\n')}
  esac
  if [[ $word != -* && -n $files ]]; then _earshot_files; else _earshot_words "$words"; fi
}
complete -F _earshot earshot`;
}

function bashGroup(group: string, commands: readonly Command[]): string {
  const second = commands.filter(({ name }) => name.startsWith(`${group} `)).map(({ name }) => name.split(' ')[1]);
  return `    ${group})
      if (( COMP_CWORD == 2 )); then
        _earshot_words '${second.join(' ')}'
        return
      fi
      command="$command \${COMP_WORDS[2]}" ;;`;
}

/** What follows an option that takes a value. */
function bashValues(command: Command): string[] {
  return optionsOf(command)
    .filter(([, { value }]) => value !== undefined)
    .map(([name, { value, choices }]) => {
      const complete = isPath(value) ? '_earshot_files' : `_earshot_words '${(choices ?? []).join(' ')}'`;
      return `    '${command.name} --${name}') ${complete}; return ;;`;
    });
}

function bashWords(command: Command): string {
  const words = [...positionalChoices(command), ...optionsOf(command).map(([name]) => `--${name}`)];
  return `    '${command.name}') words='${words.join(' ')}'${isPath(command.positional) ? ' files=yes' : ''} ;;`;
}

function fishScript(commands: readonly Command[]): string {
  const lines = commands.flatMap((command) => {
    const [first = '', second] = command.name.split(' ');
    const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, '\\$&')}'`;
    const here =
      second === undefined
        ? `__fish_seen_subcommand_from ${first}`
        : `__fish_seen_subcommand_from ${first}; and __fish_seen_subcommand_from ${second}`;
    const name =
      second === undefined
        ? [`complete -c earshot -n __fish_use_subcommand -a ${first} -d ${quoted(command.summary)}`]
        : [
            `complete -c earshot -n __fish_use_subcommand -a ${first}`,
            `complete -c earshot -n '__fish_seen_subcommand_from ${first}' -a ${second} -d ${quoted(command.summary)}`,
          ];
    const options = optionsOf(command).map(([option, { value, help, choices }]) => {
      const takes = value === undefined ? '' : isPath(value) ? ' -r -F' : ` -x -a '${(choices ?? []).join(' ')}'`;
      return `complete -c earshot -n '${here}' -l ${option}${takes} -d ${quoted(help)}`;
    });
    const words = positionalChoices(command);
    const positional = words.length > 0 ? [`complete -c earshot -n '${here}' -a '${words.join(' ')}'`] : [];
    const files = isPath(command.positional) ? [`complete -c earshot -n '${here}' -F`] : [];
    return [...name, ...options, ...positional, ...files];
  });
  return ['# Completion of earshot; made by `earshot completion`.', 'complete -c earshot -f', ...new Set(lines)].join(
    '\n',
  );
}
