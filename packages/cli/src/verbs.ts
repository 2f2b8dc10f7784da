/** Every command as data: what the parser, the completions and the reference are made from. */
import type { Verb, VerbOption } from './verb.ts';

export const GROUPS: Readonly<Record<string, string>> = {
  init: 'make something new',
  agents: 'the fleet',
  packages: 'what discovery found in the agents directory',
  findings: 'what the agents found',
  events: 'log events, and what happens live',
  config: 'configurations of agents',
};

const LIMIT: VerbOption = { flags: '-n, --limit <n>', about: 'at most this many (50)' };
const ALL: VerbOption = { flags: '--all', about: 'all there are' };
const REASON: VerbOption = { flags: '--reason <text>', about: 'kept in the history' };
const SINCE: VerbOption = { flags: '--since <time>', about: '15m, 2h, 1d ago, or a time' };
const UNTIL: VerbOption = { flags: '--until <time>', about: 'up to this time' };
const WAIT: readonly VerbOption[] = [
  { flags: '-w, --wait', about: 'until it has happened' },
  { flags: '--timeout <seconds>', about: 'of --wait (60); exit code 6' },
];
const AGENT_MORE = 'An agent is named by its id, the beginning of its id, or its name.';
const SEVERITIES = ['info', 'warning', 'error', 'critical'];
const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'];

const action = (verb: 'start' | 'stop' | 'restart', about: string): Verb => ({
  name: `agents ${verb}`,
  about,
  args: ['<agent...>'],
  options: WAIT,
  more: `${AGENT_MORE} Several: exit code 8 when only some could be told.`,
  load: async () => (await import('./commands/agents-control.ts')).control(verb),
});

export const VERBS: readonly Verb[] = [
  {
    name: 'up',
    about: 'run OPMAS on this machine, until Ctrl-C',
    options: [
      { flags: '--agents <dir>', about: 'agents directory (OPMAS_AGENTS_DIR)' },
      { flags: '--port <n>', about: 'of API and web page, 0 takes any (OPMAS_HTTP_PORT)' },
      { flags: '--syslog-port <n>', about: '0 takes any (OPMAS_SYSLOG_PORT)' },
    ],
    load: async () => (await import('./commands/up.ts')).up,
  },
  {
    name: 'down',
    about: 'stop the OPMAS of the data folder, and wait until it is gone',
    load: async () => (await import('./commands/down.ts')).down,
  },
  {
    name: 'status',
    about: 'what runs: parts, addresses, agents',
    more: 'Exit code 0 when all is well, 7 when nothing runs, 8 when a part is missing or degraded.',
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'doctor',
    about: 'check this machine and say how to fix what is wrong',
    options: [{ flags: '--strict', about: 'exit code 10 on warnings' }],
    load: async () => (await import('./commands/doctor.ts')).doctor,
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
    load: async () => (await import('./commands/init-agent.ts')).initAgent,
  },
  {
    name: 'agents ls',
    about: 'list agents',
    options: [
      {
        flags: '--status <status>',
        about: 'only these',
        choices: ['discovered', 'registered', 'running', 'stopped', 'failed', 'removed'],
      },
      { flags: '--type <type>', about: 'only this type' },
      { flags: '--tag <tag>', about: 'only with this tag' },
      { flags: '-q, --query <text>', about: 'in name, description or id' },
      LIMIT,
      ALL,
    ],
    load: async () => (await import('./commands/agents.ts')).list,
  },
  {
    name: 'agents inspect',
    about: 'everything known of an agent',
    args: ['<agent>'],
    more: AGENT_MORE,
    load: async () => (await import('./commands/agents.ts')).inspect,
  },
  action('start', 'let agents run'),
  action('stop', 'stop agents; they stay stopped until started'),
  action('restart', 'stop and start agents'),
  {
    name: 'agents rm',
    about: 'stop and remove agents; their packages are ignored until approved again',
    args: ['<agent...>'],
    options: [{ flags: '-y, --yes', about: 'do not ask' }],
    more: AGENT_MORE,
    load: async () => (await import('./commands/agents-control.ts')).remove,
  },
  {
    name: 'agents logs',
    about: "an agent's own log, oldest first",
    args: ['<agent>'],
    options: [
      { flags: '-f, --follow', about: 'and what it says from now on' },
      { flags: '--level <level>', about: 'only this level', choices: LEVELS },
      { flags: '-q, --query <text>', about: 'only with this text' },
      SINCE,
      UNTIL,
      { ...LIMIT, about: 'the newest so many (50)' },
    ],
    more: `${AGENT_MORE} With --follow --json: one line of JSON for each.`,
    load: async () => (await import('./commands/agents-logs.ts')).logs,
  },
  {
    name: 'packages ls',
    about: 'list packages with what is wrong with them',
    options: [
      {
        flags: '--state <state>',
        about: 'only these',
        choices: ['valid', 'invalid', 'waiting', 'running', 'ignored'],
      },
      LIMIT,
      ALL,
    ],
    load: async () => (await import('./commands/packages.ts')).list,
  },
  {
    name: 'packages approve',
    about: 'let a package run, or bring in its new version',
    args: ['<name>'],
    load: async () => (await import('./commands/packages.ts')).approve,
  },
  {
    name: 'packages reject',
    about: 'ignore a package that waits for approval',
    args: ['<name>'],
    load: async () => (await import('./commands/packages.ts')).reject,
  },
  {
    name: 'packages scan',
    about: 'look at the agents directory now',
    load: async () => (await import('./commands/packages.ts')).scan,
  },
  {
    name: 'findings ls',
    about: 'list findings, newest first',
    options: [
      { flags: '--agent <agent>', about: 'of this agent: id, beginning of the id, or name' },
      { flags: '--type <type>', about: 'only this type' },
      { flags: '--severity <severity>', about: 'only this severity', choices: SEVERITIES },
      {
        flags: '--status <status>',
        about: 'only these',
        choices: ['open', 'acknowledged', 'resolved', 'muted'],
      },
      { flags: '-q, --query <text>', about: 'only with this text' },
      SINCE,
      UNTIL,
      { flags: '-f, --follow', about: 'oldest first, and new ones as they come' },
      LIMIT,
      ALL,
    ],
    more: 'With --follow --json: one line of JSON for each.',
    load: async () => (await import('./commands/findings.ts')).list,
  },
  {
    name: 'findings show',
    about: 'one finding with the event behind it',
    args: ['<finding_id>'],
    load: async () => (await import('./commands/findings.ts')).show,
  },
  {
    name: 'events send',
    about: 'hand in a log line, or a file of events',
    args: ['[message...]'],
    options: [
      { flags: '-d, --domain <domain>', about: 'its topic is logs.<domain>; else by program' },
      { flags: '-p, --program <program>', about: 'who said it, as dropbear' },
      { flags: '--host <host>', about: 'the device it came from' },
      { flags: '-f, --file <file>', about: 'NDJSON or a JSON array of events; - is stdin' },
    ],
    more: 'Exit code 0 once the broker holds every event, 8 when some were rejected, 1 when all were.',
    load: async () => (await import('./commands/events-send.ts')).send,
  },
  {
    name: 'events tail',
    about: 'what happens, as it happens: findings and changes of agents',
    args: ['[topic...]'],
    options: [
      { flags: '-n, --count <n>', about: 'end after this many' },
      { flags: '--timeout <seconds>', about: 'end after this time; exit code 6' },
    ],
    more: 'Topics: findings, agents, alerts, jobs, logs:<agent>; findings and agents when none is named. With --json: one line of JSON for each.',
    load: async () => (await import('./commands/events-tail.ts')).tail,
  },
  {
    name: 'config get',
    about: 'the configuration an agent runs with',
    args: ['<agent>', '[key]'],
    options: [
      { flags: '--origins', about: 'with the layer each key comes from' },
      { flags: '--database', about: 'only what was set with `config set`' },
    ],
    more: `${AGENT_MORE} A key has dots between its levels: monitoring.heartbeat_interval.`,
    load: async () => (await import('./commands/config.ts')).get,
  },
  {
    name: 'config set',
    about: 'change keys of the database layer, or replace it',
    args: ['<agent>', '[assignment...]'],
    options: [
      { flags: '-f, --file <file>', about: 'the whole layer as JSON; - is stdin' },
      REASON,
      {
        flags: '--if-version <n>',
        about: 'only when the layer still has this version; exit code 5',
      },
    ],
    more: 'An assignment is key=value with dots between levels; the value is JSON, or else text: processing.batch_size=50',
    load: async () => (await import('./commands/config.ts')).set,
  },
  {
    name: 'config unset',
    about: 'take keys out of the database layer',
    args: ['<agent>', '<key...>'],
    options: [REASON],
    load: async () => (await import('./commands/config.ts')).unset,
  },
  {
    name: 'config history',
    about: 'versions of the database layer, newest first',
    args: ['<agent>'],
    options: [LIMIT, ALL],
    load: async () => (await import('./commands/config.ts')).history,
  },
  {
    name: 'login',
    about: 'sign in and keep the session',
    options: [
      { flags: '-u, --username <name>', about: 'asked for when absent' },
      { flags: '--password-stdin', about: 'read the password from stdin' },
    ],
    load: async () => (await import('./commands/login.ts')).login,
  },
  {
    name: 'logout',
    about: 'end the kept session',
    load: async () => (await import('./commands/login.ts')).logout,
  },
  {
    name: 'whoami',
    about: 'as whom commands are done',
    load: async () => (await import('./commands/login.ts')).whoami,
  },
  {
    name: 'can-i',
    about: 'may I do this? Exit code 4 when not',
    args: ['<permission>', '[agent]'],
    more: 'A permission is resource:action, as agents:control.',
    load: async () => (await import('./commands/login.ts')).canI,
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
    load: async () => (await import('./commands/api.ts')).api,
  },
  {
    name: 'completion',
    about: 'shell completion: eval "$(opmas completion bash)"',
    args: ['<shell>'],
    more: 'Shells: bash, zsh, fish.',
    load: async () => (await import('./commands/completion.ts')).completionOf(VERBS),
  },
];
