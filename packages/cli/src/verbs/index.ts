/** Every command as data: what the parser, the completions and the reference are made from. */
import { ACCESS_VERBS } from './access.ts';
import { CONFIG_VERBS } from './configs.ts';
import { FINDING_VERBS } from './findings.ts';
import { FLEET_VERBS } from './fleet.ts';
import { JOB_VERBS } from './jobs.ts';
import { CSV } from './options.ts';
import { PEOPLE_VERBS } from './people.ts';
import type { Verb } from './verb.ts';

export const GROUPS: Readonly<Record<string, string>> = {
  init: 'make something new',
  agents: 'the fleet',
  packages: 'what discovery found in the agents directory',
  package: 'signatures of an agent package',
  publishers: 'whose signature on a package counts',
  findings: 'what the agents found',
  rules: 'rules, tried before they go live',
  events: 'log events, and what happens live',
  config: 'configurations of agents',
  'config draft': 'layers that are prepared, looked at and published whole',
  groups: 'agents chosen by label, with a layer of configuration of their own',
  jobs: 'changes to many agents, in waves',
  secrets: 'the master key and the signing keys',
  users: 'people who sign in',
  sessions: 'where you are signed in',
  roles: 'what users and tokens may do',
  tokens: 'for scripts, and for agents on other hosts',
  certs: 'certificates of the own authority',
  audit: 'who did what, and that nobody changed the record of it',
};

const TABLE: readonly Verb[] = [
  {
    name: 'up',
    about: 'run OPMAS on this machine, until Ctrl-C',
    options: [
      { flags: '--agents <dir>', about: 'agents directory (OPMAS_AGENTS_DIR)' },
      { flags: '--port <n>', about: 'of API and web page, 0 takes any (OPMAS_HTTP_PORT)' },
      { flags: '--syslog-port <n>', about: '0 takes any (OPMAS_SYSLOG_PORT)' },
    ],
    load: async () => (await import('../commands/up.ts')).up,
  },
  {
    name: 'down',
    about: 'stop the OPMAS of the data folder, and wait until it is gone',
    load: async () => (await import('../commands/down.ts')).down,
  },
  {
    name: 'status',
    about: 'what runs: parts, addresses, agents',
    more: 'Exit code 0 when all is well, 7 when nothing runs, 8 when a part is missing or degraded.',
    load: async () => (await import('../commands/status.ts')).status,
  },
  {
    name: 'doctor',
    about: 'check this machine and say how to fix what is wrong',
    options: [{ flags: '--strict', about: 'exit code 10 on warnings' }],
    load: async () => (await import('../commands/doctor.ts')).doctor,
  },
  {
    name: 'init agent',
    about: 'make an agent package that passes its own test',
    args: ['<name>'],
    options: [
      { flags: '--rules', about: 'rules only, no code' },
      { flags: '--dir <dir>', about: 'agents directory' },
      { flags: '--domain <domain>', about: 'of the log topic it reads' },
    ],
    load: async () => (await import('../commands/init-agent.ts')).initAgent,
  },
  ...FLEET_VERBS,
  ...FINDING_VERBS,
  ...CONFIG_VERBS,
  ...JOB_VERBS,
  {
    name: 'secrets status',
    about: 'the master key, and what is sealed under it',
    more: 'Exit code 8 when something is sealed under a key that the file does not hold.',
    load: async () => (await import('../commands/secrets.ts')).status,
  },
  {
    name: 'secrets rotate',
    about: 'a new master key; returns when everything is under it and the old one is gone',
    options: [
      {
        flags: '--signing-keys',
        about: 'new signing keys too: every access token that is out is refused at once',
      },
    ],
    more: 'Nothing pauses meanwhile. Backups made before need the old key: keep the master key file with each.',
    load: async () => (await import('../commands/secrets.ts')).rotate,
  },
  ...PEOPLE_VERBS,
  {
    name: 'login',
    about: 'sign in and keep the session',
    options: [
      { flags: '-u, --username <name>', about: 'asked for when absent' },
      { flags: '--password-stdin', about: 'read the password from stdin' },
    ],
    more: 'With a second factor the code is asked for; with --password-stdin it is the second line.',
    load: async () => (await import('../commands/login.ts')).login,
  },
  {
    name: 'logout',
    about: 'end the kept session',
    load: async () => (await import('../commands/login.ts')).logout,
  },
  {
    name: 'whoami',
    about: 'as whom commands are done',
    load: async () => (await import('../commands/login.ts')).whoami,
  },
  {
    name: 'can-i',
    about: 'may I do this? Exit code 4 when not',
    args: ['<permission>', '[agent]'],
    more: 'A permission is resource:action, as agents:control.',
    load: async () => (await import('../commands/login.ts')).canI,
  },
  {
    name: 'api',
    about: 'any request to the API; prints the answer as it came',
    args: ['<method>', '<path>'],
    options: [
      { flags: '-d, --data <body>', about: 'the body; @file reads a file, - stdin' },
      { flags: '-H, --header <header>', about: 'as "If-Match: \\"3\\""', many: true },
    ],
    more: 'The path is below /api/v1, as /agents; /health and /metrics are named as they are.',
    load: async () => (await import('../commands/api.ts')).api,
  },
  {
    name: 'completion',
    about: 'shell completion: eval "$(opmas completion bash)"',
    args: ['<shell>'],
    more: 'Shells: bash, zsh, fish.',
    load: async () => (await import('../commands/completion.ts')).completionOf(VERBS),
  },
  ...ACCESS_VERBS,
];

/** The table; every list has `--csv`. */
export const VERBS: readonly Verb[] = TABLE.map((verb) =>
  verb.name.endsWith(' ls') ? { ...verb, options: [...(verb.options ?? []), CSV] } : verb,
);
