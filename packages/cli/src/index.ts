/** What others may use of the command line: the reference page made from its table of verbs. */
import { EXIT } from './exit-codes.ts';
import { VERBS } from './verbs/index.ts';

const MEANINGS: Readonly<Record<keyof typeof EXIT, string>> = {
  ok: 'done',
  failed: 'failed',
  usage: 'the command line or a setting is wrong',
  notFound: 'no such thing',
  forbidden: 'not signed in, or forbidden',
  conflict: 'conflict: it exists, or its version moved on',
  timeout: 'timed out',
  unreachable: 'the server is not reachable',
  partial: 'partly failed',
  difference: 'a difference was found',
  interrupted: 'interrupted',
};

/** `docs/reference/commands.md`; `mark` is its first line. */
export function commandsPage(mark: string): string {
  const parts = [
    mark,
    '# Commands',
    'From a checkout: `npm run opmas -- COMMAND`, or `packages/cli/bin/opmas COMMAND`. Data goes to stdout, everything else to stderr.',
    'Every command takes `--json` (a list is an array, one thing an object, an error a problem document on stdout), `--url` or `OPMAS_URL`, `--ca-file` or `OPMAS_CA_FILE` (the authority of the server certificate, when it is not a well-known one), `--data-dir` or `OPMAS_DATA_DIR`, and `--no-color` or `NO_COLOR`.',
    'Who calls: `OPMAS_TOKEN`, else the session of `opmas login` (kept in `~/.config/opmas/credentials.json`), else, on the machine OPMAS runs on, the owner of its data folder.',
    '## Exit codes',
    ['| code | meaning |', '|---|---|', ...exitRows()].join('\n'),
    ...VERBS.flatMap(({ name, about, args = [], options = [], more }) => [
      `## opmas ${name}`,
      `\`opmas ${[name, ...args].join(' ')}\`: ${about}.`,
      ...(more === undefined ? [] : [more]),
      ...(options.length === 0
        ? []
        : [
            [
              '| option | |',
              '|---|---|',
              ...options.map((one) => `| \`${one.flags}\` | ${cell(one.about, one.choices)} |`),
            ].join('\n'),
          ]),
    ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

function exitRows(): string[] {
  return Object.entries(EXIT).map(
    ([name, code]) => `| ${code} | ${MEANINGS[name as keyof typeof EXIT]} |`,
  );
}

function cell(about: string, choices: readonly string[] = []): string {
  const text = choices.length === 0 ? about : `${about}: ${choices.join(', ')}`;
  return text.replaceAll('|', '\\|');
}
