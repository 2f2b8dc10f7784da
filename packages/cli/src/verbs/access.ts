/** Roles, tokens, certificates and the record of who did what, as data. */

import { ALL, LIMIT, SINCE, UNTIL } from './options.ts';
import type { Verb } from './verb.ts';

const GRANT_MORE =
  'A grant is a permission (`agents:read`), all of a resource (`agents:*`), one action on everything (`*:read`) or everything (`*`). `opmas roles ls` shows what the built-in roles grant.';

export const ACCESS_VERBS: readonly Verb[] = [
  {
    name: 'roles ls',
    about: 'built-in and custom roles',
    load: async () => (await import('../commands/roles.ts')).list,
  },
  {
    name: 'roles show',
    about: 'what a role grants',
    args: ['<role>'],
    load: async () => (await import('../commands/roles.ts')).show,
  },
  {
    name: 'roles set',
    about: 'make a role, or change what it grants',
    args: ['<role>'],
    options: [
      { flags: '-g, --grant <permission>', about: 'may be given several times', many: true },
      { flags: '--agent <id>', about: 'only for this agent', many: true },
      { flags: '--type <type>', about: 'only for agents of this type', many: true },
      { flags: '--tag <tag>', about: 'only for agents with this tag', many: true },
      { flags: '--description <text>', about: 'what it is for' },
    ],
    more: GRANT_MORE,
    load: async () => (await import('../commands/roles.ts')).set,
  },
  {
    name: 'roles rm',
    about: 'delete a custom role nobody holds',
    args: ['<role>'],
    load: async () => (await import('../commands/roles.ts')).remove,
  },
  {
    name: 'tokens ls',
    about: 'tokens; never their text',
    options: [
      { flags: '--kind <kind>', about: 'only these', choices: ['api', 'enrollment'] },
      LIMIT,
      ALL,
    ],
    load: async () => (await import('../commands/tokens.ts')).list,
  },
  {
    name: 'tokens create',
    about: 'make a token; its text is shown once, on standard output',
    args: ['<kind>', '<name>'],
    options: [
      { flags: '--role <role>', about: 'api: what it may do', many: true },
      { flags: '--expires <time>', about: '30m, 12h, 90d (api 90d, enrollment 1d)' },
      { flags: '--uses <n>', about: 'enrollment: how many agents it lets in (1)' },
      { flags: '--type <type>', about: 'enrollment: only agents of this type' },
      { flags: '--tag <tag>', about: 'enrollment: what the agents are marked with', many: true },
      { flags: '--replace', about: 'enrollment: may take over the agent of the same name' },
    ],
    more: 'KIND is `api` (for scripts: Authorization: Bearer …) or `enrollment` (for agents on other hosts).',
    load: async () => (await import('../commands/tokens.ts')).create,
  },
  {
    name: 'tokens revoke',
    about: 'end a token; it stops working within two seconds',
    args: ['<id>'],
    load: async () => (await import('../commands/tokens.ts')).revoke,
  },
  {
    name: 'certs init',
    about: 'make the own authority of the data folder, unless there is one',
    load: async () => (await import('../commands/certs.ts')).init,
  },
  {
    name: 'audit ls',
    about: 'who did what, newest first',
    options: [
      { flags: '--actor <actor>', about: 'id or name of who did it' },
      { flags: '--action <action>', about: 'as configs.put; configs.* for all of configs' },
      { flags: '--object <object>', about: 'to what: an agent, a user, a role' },
      {
        flags: '--outcome <outcome>',
        about: 'only these',
        choices: ['ok', 'refused', 'failed'],
      },
      { flags: '-q, --query <text>', about: 'only with this text' },
      SINCE,
      UNTIL,
      LIMIT,
      ALL,
    ],
    load: async () => (await import('../commands/audit.ts')).list,
  },
  {
    name: 'audit verify',
    about: 'is the audit log whole? Names the first bad row',
    args: ['[file]'],
    options: [
      {
        flags: '--key <public_key>',
        about: 'believe only this key of checkpoints',
        many: true,
      },
    ],
    more: 'With a file (- is stdin), an export is verified without any server. Without --key the keys in the export are believed: good against changes, not against an export that is made up as a whole. Exit code 10 when something is wrong.',
    load: async () => (await import('../commands/audit.ts')).verify,
  },
  {
    name: 'audit export',
    about: 'rows, chain, checkpoints and public keys, as lines of JSON',
    options: [SINCE, UNTIL, { flags: '-o, --output <file>', about: 'a new file; else stdout' }],
    more: 'What arrived is verified on the way; exit code 10 when something is wrong with it.',
    load: async () => (await import('../commands/audit.ts')).exportLog,
  },
  {
    name: 'certs issue',
    about: 'sign a certificate, for a router or another server',
    args: ['<name>'],
    options: [
      { flags: '--dns <name>', about: 'a host name it is for', many: true },
      { flags: '--ip <address>', about: 'an address it is for', many: true },
      { flags: '--client', about: 'for a client that shows it to OPMAS' },
      { flags: '--days <n>', about: 'how long it lasts (90)' },
    ],
    more: 'Certificate and key lie in keys/tls/ of the data folder as NAME.crt and NAME.key.',
    load: async () => (await import('../commands/certs.ts')).issue,
  },
  {
    name: 'certs rotate',
    about: 'renew every certificate, with new keys',
    options: [
      {
        flags: '--ca',
        about: 'make a new authority; the old one stays trusted, nothing is renewed yet',
      },
      {
        flags: '--distrust-old',
        about: 'with --ca: renew all at once and forget the old authority',
      },
    ],
    more: 'A running OPMAS takes changed certificates over by itself.',
    load: async () => (await import('../commands/certs.ts')).rotate,
  },
  {
    name: 'certs ls',
    about: 'the authorities and certificates of the data folder',
    load: async () => (await import('../commands/certs.ts')).list,
  },
];
