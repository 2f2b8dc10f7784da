/** `opmas completion SHELL`: a script made from the table of verbs. */
import { usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Command } from '../run.ts';
import type { Verb } from '../verb.ts';

type Verbs = readonly Verb[];

export function completionOf(verbs: Verbs): Command {
  return async ({ args, io }) => {
    const script = SCRIPTS.get(args[0] ?? '');
    if (script === undefined) {
      throw usageError(`No completion for ${args[0]}`, 'Shells: bash, zsh, fish.');
    }
    io.print(script(verbs));
    return EXIT.ok;
  };
}

const SCRIPTS = new Map<string, (verbs: Verbs) => string>([
  ['bash', bash],
  ['zsh', (verbs) => `autoload -U +X bashcompinit && bashcompinit\n${bash(verbs)}`],
  ['fish', fish],
]);

/** First words, and what may follow each. */
function words(verbs: Verbs): Map<string, string[]> {
  const tree = new Map<string, string[]>();
  for (const { name, options = [] } of verbs) {
    const [first = '', second] = name.split(' ');
    const flags = options.map(({ flags: text }) => /--[a-z-]+/.exec(text)?.[0] ?? '');
    const known = tree.get(first) ?? [];
    tree.set(first, [...known, ...(second === undefined ? flags : [second])]);
    if (second !== undefined) tree.set(name, flags);
  }
  return tree;
}

function bash(verbs: Verbs): string {
  const tree = words(verbs);
  const top = [...tree.keys()].filter((key) => !key.includes(' '));
  const cases = [...tree].map(
    ([key, next]) => `    "${key}") next="${next.join(' ')} --json --url" ;;`,
  );
  return `_opmas() {
  local next="" path="\${COMP_WORDS[1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${top.join(' ')}" -- "\${COMP_WORDS[COMP_CWORD]}"))
    return
  fi
  [ "$COMP_CWORD" -gt 2 ] && path="\${COMP_WORDS[1]} \${COMP_WORDS[2]}"
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _opmas opmas`;
}

function fish(verbs: Verbs): string {
  const lines = verbs.flatMap(({ name, about }) => {
    const [first, second] = name.split(' ');
    const text = about.replaceAll("'", '’');
    return second === undefined
      ? [`complete -c opmas -n __fish_use_subcommand -a ${first} -d '${text}'`]
      : [
          `complete -c opmas -n __fish_use_subcommand -a ${first}`,
          `complete -c opmas -n '__fish_seen_subcommand_from ${first}' -a ${second} -d '${text}'`,
        ];
  });
  return [...new Set(lines)].join('\n');
}
