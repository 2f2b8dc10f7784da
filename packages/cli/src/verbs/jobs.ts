/** The commands of `opmas jobs`, and what commands that may make a job take, as data. */
import { JOB_ACTIONS, JOB_KINDS, JOB_STATES } from '@opmas/protocol';
import { ALL, LIMIT, SELECTOR_MORE } from './options.ts';
import type { Verb, VerbOption } from './verb.ts';

const JOB_MORE = 'A job is named by its id or the beginning of it.';
const WATCH_MORE =
  'Exit code 0 when it succeeded, 1 when it ended otherwise, 6 when --timeout was over before.';
const load = () => import('../commands/jobs.ts');

/** How a job goes about it. */
const PLAN: readonly VerbOption[] = [
  { flags: '--waves <list>', about: 'counts or shares of all its agents (1,10%,100%)' },
  { flags: '--settle <seconds>', about: 'how long each wave is watched' },
  { flags: '--deadline <seconds>', about: 'until when agents of a wave have an outcome (300)' },
  { flags: '--max-failures <n>', about: 'agents of a wave that may fail (0)' },
  { flags: '--max-error-rate <rate>', about: 'errors for each event, from 0 to 1' },
  {
    flags: '--max-findings-change <share>',
    about: 'how far findings may differ from before: 0.5 is by half',
  },
  { flags: '--pause-between', about: 'after each wave, until it is resumed' },
];
const WATCH: readonly VerbOption[] = [
  { flags: '--watch', about: 'until it has ended' },
  { flags: '--timeout <seconds>', about: 'of --watch; for ever when not given' },
];

/** Of commands that write a layer. */
export const ROLLOUT: readonly VerbOption[] = [
  { flags: '--rollout', about: 'as a job: in waves, with a way back (--fleet, --group)' },
  ...PLAN,
  {
    flags: '--on-failure <what>',
    about: 'of a gate that closes',
    choices: ['rollback', 'pause'],
  },
  ...WATCH,
];
export const ROLLOUT_MORE = `With --rollout the canary gets it first, and everybody goes back when agents fail. With --watch: ${WATCH_MORE.toLowerCase()}`;

export const JOB_VERBS: readonly Verb[] = [
  {
    name: 'jobs ls',
    about: 'jobs, newest first',
    options: [
      { flags: '--state <state>', about: 'only these', choices: JOB_STATES },
      { flags: '--kind <kind>', about: 'only these', choices: JOB_KINDS },
      LIMIT,
      ALL,
    ],
    load: async () => (await load()).list,
  },
  {
    name: 'jobs show',
    about: 'a job: its waves, its gates, and the agents that failed',
    args: ['<job>'],
    options: [{ flags: '--agents', about: 'every agent with its outcome instead' }],
    more: JOB_MORE,
    load: async () => (await load()).show,
  },
  {
    name: 'jobs watch',
    about: 'follow a job to its end',
    args: ['<job>'],
    options: [{ flags: '--timeout <seconds>', about: 'for ever when not given' }],
    more: `${JOB_MORE} ${WATCH_MORE} Ctrl-C ends the watching, not the job. With --json: one line of JSON for each change.`,
    load: async () => (await load()).watch,
  },
  {
    name: 'jobs run',
    about: 'do something to many agents, in waves',
    args: ['<action>'],
    options: [
      { flags: '--selector <selector>', about: 'these agents' },
      { flags: '--agent <agent>', about: 'this one; several times for several', many: true },
      { flags: '--level <level>', about: 'of log-level' },
      { flags: '--expires <seconds>', about: 'of log-level: ends by itself' },
      { flags: '--add <tag>', about: 'of tags; several times for several', many: true },
      { flags: '--remove <tag>', about: 'of tags; several times for several', many: true },
      { flags: '--reason <text>', about: 'kept with the job' },
      ...PLAN,
      {
        flags: '--on-failure <what>',
        about: 'of a gate that closes',
        choices: ['stop', 'pause'],
      },
      ...WATCH,
    ],
    more: `ACTION is ${JOB_ACTIONS.join(', ')}. ${SELECTOR_MORE} With --watch: ${WATCH_MORE.toLowerCase()}`,
    load: async () => (await import('../commands/jobs-run.ts')).run,
  },
  {
    name: 'jobs pause',
    about: 'begin no further wave',
    args: ['<job>'],
    more: `${JOB_MORE} A job that nobody resumes within a day goes back, or ends.`,
    load: async () => (await load()).pause,
  },
  {
    name: 'jobs resume',
    about: 'go on with a paused job, also where a gate has closed',
    args: ['<job>'],
    more: JOB_MORE,
    load: async () => (await load()).resume,
  },
  {
    name: 'jobs cancel',
    about: 'end a job; a rollout goes back first',
    args: ['<job>'],
    options: [{ flags: '--keep', about: 'what was changed stays, and the rest as it was' }],
    more: JOB_MORE,
    load: async () => (await load()).cancel,
  },
  {
    name: 'jobs retry',
    about: 'a new job of the agents that an action failed on',
    args: ['<job>'],
    more: JOB_MORE,
    load: async () => (await load()).retry,
  },
];
