/** Agents, their packages, and who may sign these, as data. */

import { AGENT_MORE, ALL, LEVELS, LIMIT, SINCE, UNTIL, WAIT } from './options.ts';
import type { Verb } from './verb.ts';

const action = (verb: 'start' | 'stop' | 'restart', about: string): Verb => ({
  name: `agents ${verb}`,
  about,
  args: ['<agent...>'],
  options: WAIT,
  more: `${AGENT_MORE} Several: exit code 8 when only some could be told.`,
  load: async () => (await import('../commands/agents-control.ts')).control(verb),
});

export const FLEET_VERBS: readonly Verb[] = [
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
    load: async () => (await import('../commands/agents.ts')).list,
  },
  {
    name: 'agents inspect',
    about: 'everything known of an agent',
    args: ['<agent>'],
    more: AGENT_MORE,
    load: async () => (await import('../commands/agents.ts')).inspect,
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
    load: async () => (await import('../commands/agents-control.ts')).remove,
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
    load: async () => (await import('../commands/agents-logs.ts')).logs,
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
    load: async () => (await import('../commands/packages.ts')).list,
  },
  {
    name: 'packages approve',
    about: 'let a package run, or bring in its new version',
    args: ['<name>'],
    options: [{ flags: '--digest <digest>', about: 'only the files with this digest' }],
    load: async () => (await import('../commands/packages.ts')).approve,
  },
  {
    name: 'packages reject',
    about: 'ignore a package that waits for approval',
    args: ['<name>'],
    load: async () => (await import('../commands/packages.ts')).reject,
  },
  {
    name: 'package keygen',
    about: 'make a key to sign packages with',
    options: [{ flags: '--out <file>', about: 'the private key; the public one is FILE.pub' }],
    load: async () => (await import('../commands/package-sign.ts')).keygen,
  },
  {
    name: 'package sign',
    about: 'vouch for the files of a package',
    args: ['<dir>'],
    options: [{ flags: '--key <file>', about: 'the private key' }],
    load: async () => (await import('../commands/package-sign.ts')).sign,
  },
  {
    name: 'package verify',
    about: 'check who vouches for the files of a package',
    args: ['<dir>'],
    options: [{ flags: '--key <file>', about: 'the public key; else of the trusted publishers' }],
    more: 'Exit code 3 when it is not signed, 10 when the signature does not hold.',
    load: async () => (await import('../commands/package-sign.ts')).verify,
  },
  {
    name: 'publishers ls',
    about: 'list keys that packages may be signed with',
    load: async () => (await import('../commands/publishers.ts')).list,
  },
  {
    name: 'publishers add',
    about: 'trust packages signed with a key',
    args: ['<name>', '<file>'],
    load: async () => (await import('../commands/publishers.ts')).add,
  },
  {
    name: 'publishers rm',
    about: 'trust a key no longer; what runs is not stopped',
    args: ['<key-id>'],
    load: async () => (await import('../commands/publishers.ts')).remove,
  },
  {
    name: 'packages scan',
    about: 'look at the agents directory now',
    load: async () => (await import('../commands/packages.ts')).scan,
  },
];
