/** Users and their sessions, as data. */

import { ALL, LIMIT, ROLE, USER_MORE } from './options.ts';
import type { Verb } from './verb.ts';

export const PEOPLE_VERBS: readonly Verb[] = [
  {
    name: 'users ls',
    about: 'list users',
    options: [LIMIT, ALL],
    load: async () => (await import('../commands/users.ts')).list,
  },
  {
    name: 'users add',
    about: 'make a user; the password is asked for, or read from stdin',
    args: ['<name>'],
    options: [ROLE],
    load: async () => (await import('../commands/users.ts')).add,
  },
  {
    name: 'users set',
    about: 'change the roles of a user, disable or enable one',
    args: ['<user>'],
    options: [
      { ...ROLE, about: 'these roles, and no others; several times for several' },
      { flags: '--disable', about: 'ends all sessions, and lets them in no more' },
      { flags: '--enable', about: 'lets them in again, also after too many failed attempts' },
      { flags: '--remove-second-factor', about: 'when it is lost' },
    ],
    more: USER_MORE,
    load: async () => (await import('../commands/users.ts')).set,
  },
  {
    name: 'users passwd',
    about: 'a new password: your own, or that of a user',
    args: ['[user]'],
    more: `${USER_MORE} The passwords are asked for, or read from stdin line by line: the present one first when it is your own.`,
    load: async () => (await import('../commands/users.ts')).passwd,
  },
  {
    name: 'users sessions',
    about: 'where a user is signed in',
    args: ['<user>'],
    options: [{ flags: '--end', about: 'end all of them' }],
    more: USER_MORE,
    load: async () => (await import('../commands/users.ts')).sessions,
  },
  {
    name: 'users rm',
    about: 'delete users; everything of theirs ends',
    args: ['<user...>'],
    options: [{ flags: '-y, --yes', about: 'do not ask' }],
    more: USER_MORE,
    load: async () => (await import('../commands/users.ts')).remove,
  },
  {
    name: 'sessions ls',
    about: 'where you are signed in',
    load: async () => (await import('../commands/sessions.ts')).list,
  },
  {
    name: 'sessions rm',
    about: 'end sessions of yours',
    args: ['[session...]'],
    options: [{ flags: '--others', about: 'all but this one' }],
    load: async () => (await import('../commands/sessions.ts')).remove,
  },
];
