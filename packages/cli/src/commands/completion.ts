/** `opmas completion SHELL`: a script made from the table of verbs. */
import { usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import type { Command } from '../run.ts';
import type { Verb } from '../verbs/verb.ts';

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

/** Every beginning of a command, and what may follow it. */
function words(verbs: Verbs): Map<string, string[]> {
  const tree = new Map<string, string[]>();
  const follow = (path: string, next: readonly string[]) => {
    tree.set(path, [...new Set([...(tree.get(path) ?? []), ...next])]);
  };
  for (const { name, options = [] } of verbs) {
    const parts = name.split(' ');
    parts.forEach((word, at) => {
      if (at > 0) follow(parts.slice(0, at).join(' '), [word]);
    });
    follow(
      name,
      options.map(({ flags: text }) => /--[a-z-]+/.exec(text)?.[0] ?? ''),
    );
  }
  return tree;
}

function bash(verbs: Verbs): string {
  const tree = words(verbs);
  const top = [...new Set(verbs.map(({ name }) => name.split(' ')[0]))];
  const longer = [...tree.keys()].filter((key) => key.includes(' ')).map((key) => `"${key}"`);
  const cases = [...tree].map(
    ([key, next]) => `    "${key}") next="${next.join(' ')} --json --url" ;;`,
  );
  return `_opmas() {
  local next="" word path="\${COMP_WORDS[1]}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "${top.join(' ')}" -- "\${COMP_WORDS[COMP_CWORD]}"))
    return
  fi
  for word in "\${COMP_WORDS[@]:2:COMP_CWORD-2}"; do
    case "$path $word" in
      ${longer.join('|')}) path="$path $word" ;;
      *) break ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$next" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _opmas opmas`;
}

function fish(verbs: Verbs): string {
  const tree = words(verbs);
  const lines = verbs.flatMap(({ name, about }) => {
    const parts = name.split(' ');
    const text = about.replaceAll("'", '’');
    return parts.map((word, at) => {
      const told = at === parts.length - 1 ? ` -d '${text}'` : '';
      if (at === 0) return `complete -c opmas -n __fish_use_subcommand -a ${word}${told}`;
      const before = parts.slice(0, at);
      const seen = before.map((each) => `__fish_seen_subcommand_from ${each}`).join('; and ');
      // Of a group within a group: not while a command of the outer one is written.
      const inner = at === 1 ? innerGroups(tree, before[0] ?? '') : [];
      const others = inner.map((each) => `; and not __fish_seen_subcommand_from ${each}`).join('');
      return `complete -c opmas -n '${seen}${others}' -a ${word}${told}`;
    });
  });
  return [...new Set(lines)].join('\n');
}

/** Words after `group` that have commands below them. */
function innerGroups(tree: Map<string, string[]>, group: string): string[] {
  return (tree.get(group) ?? []).filter((word) =>
    (tree.get(`${group} ${word}`) ?? []).some((next) => tree.has(`${group} ${word} ${next}`)),
  );
}
