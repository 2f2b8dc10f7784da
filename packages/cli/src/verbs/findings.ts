/** Findings, the rules that make them, and the events they are made of, as data. */

import { AGENT_MORE, ALL, LIMIT, SEVERITIES, SINCE, UNTIL } from './options.ts';
import type { Verb } from './verb.ts';

export const FINDING_VERBS: readonly Verb[] = [
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
    load: async () => (await import('../commands/findings.ts')).list,
  },
  {
    name: 'findings show',
    about: 'one finding with the event behind it',
    args: ['<finding_id>'],
    load: async () => (await import('../commands/findings.ts')).show,
  },
  {
    name: 'findings prove',
    about: 'what made a finding: event, rule, versions; and does the rule tell the same again',
    args: ['<finding_id>'],
    more: 'Exit code 10 when it does not, 8 when it cannot be said.',
    load: async () => (await import('../commands/findings-prove.ts')).prove,
  },
  {
    name: 'rules ls',
    about: 'rules in force: agents, hits, last hit, cost',
    options: [
      { flags: '--agent <agent>', about: 'of this agent' },
      { flags: '--silent <seconds>', about: 'only those that have not hit for so long, or never' },
      LIMIT,
      ALL,
    ],
    more: `${AGENT_MORE} Hits and cost come with the metrics of the agents; cost is sampled.`,
    load: async () => (await import('../commands/rules-ls.ts')).list,
  },
  {
    name: 'rules test',
    about: 'do rules compile and do their examples come out; what becomes of events, step by step',
    args: ['<file>'],
    options: [
      { flags: '--events <file>', about: 'a JSON array, or lines: JSON or plain; - is stdin' },
      { flags: '-m, --message <text>', about: 'a message', many: true },
    ],
    more: 'Exit code 1 when they may not be published.',
    load: async () => (await import('../commands/rules-try.ts')).test,
  },
  {
    name: 'rules dry-run',
    about: 'what rules would find in recorded events, at what cost, and what would be different',
    args: ['<file>'],
    options: [
      { flags: '--agent <agent>', about: 'on its topics, compared with what it runs now' },
      { flags: '-d, --domain <domain>', about: 'on logs.<domain>' },
      { flags: '-n, --last <n>', about: 'the newest so many events (10000)' },
      SINCE,
      UNTIL,
    ],
    more: `${AGENT_MORE} No agent is disturbed. Exit code 10 when the findings differ from those of the agent.`,
    load: async () => (await import('../commands/rules-try.ts')).dryRun,
  },
  {
    name: 'rules import',
    about: 'rules from Sigma rules or a fail2ban filter, as rules.json on standard output',
    args: ['<format>', '<path>'],
    options: [{ flags: '-o, --out <file>', about: 'write them here; never over a file' }],
    more: 'FORMAT is `sigma` (a file of YAML, or a folder of them) or `fail2ban` (filter.d/NAME.conf). What is not taken over is said with its reason; exit code 8 when that is some, 1 when it is all. No server is needed.',
    load: async () => (await import('../commands/rules-import.ts')).importRules,
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
    load: async () => (await import('../commands/events-send.ts')).send,
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
    load: async () => (await import('../commands/events-tail.ts')).tail,
  },
  {
    name: 'events sources',
    about: 'topics and hosts that agents get events from, and those that fell silent',
    options: [
      { flags: '--agent <agent>', about: 'of one agent' },
      { flags: '--silent', about: 'only those that were heard regularly, and then no more' },
      LIMIT,
    ],
    load: async () => (await import('../commands/events-sources.ts')).sources,
  },
];
