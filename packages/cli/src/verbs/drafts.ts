/** The commands of `opmas config draft`, as data. */
import { ROLLOUT, ROLLOUT_MORE } from './jobs.ts';
import { AGENT_MORE, ALL, LAYERS, LIMIT, REASON, UNSET } from './options.ts';
import type { Verb } from './verb.ts';

const DRAFT_MORE = 'A draft is named by its id or the beginning of it.';
const load = () => import('../commands/config-draft.ts');

export const DRAFT_VERBS: readonly Verb[] = [
  {
    name: 'config draft ls',
    about: 'drafts, changed last first',
    args: ['[agent]'],
    options: [...LAYERS, LIMIT, ALL],
    load: async () => (await load()).list,
  },
  {
    name: 'config draft show',
    about: 'a draft, and what publishing it would do now',
    args: ['<draft>'],
    more: `${DRAFT_MORE} Tells what differs from the layer in force, the agents that change, restart and get other topics, and what is not valid. When the layer went on since, that is told as it would be after a rebase, with the keys that both changed.`,
    load: async () => (await load()).show,
  },
  {
    name: 'config draft create',
    about: 'prepare a layer: the one in force with changes, or a file',
    args: ['[agent]', '[assignment...]'],
    options: [
      { flags: '-f, --file <file>', about: 'the whole layer as JSON; - is stdin' },
      UNSET,
      ...LAYERS,
      REASON,
    ],
    more: `${AGENT_MORE} Nobody is told of a draft before it is published. One that nobody changes for 30 days is discarded.`,
    load: async () => (await load()).create,
  },
  {
    name: 'config draft edit',
    about: 'a draft in $EDITOR',
    args: ['<draft>'],
    options: [REASON],
    more: `${DRAFT_MORE} It is stored also when it is not valid for its agents yet; what is wrong is told then.`,
    load: async () => (await import('../commands/config-draft-edit.ts')).edit,
  },
  {
    name: 'config draft diff',
    about: 'what differs between a draft and the layer in force',
    args: ['<draft>'],
    more: `${DRAFT_MORE} Exit code 10 when there is a difference.`,
    load: async () => (await load()).diff,
  },
  {
    name: 'config draft rebase',
    about: 'put the changes of a draft on the layer in force',
    args: ['<draft>'],
    options: [
      {
        flags: '--prefer <side>',
        about: 'which holds where both changed a key',
        choices: ['draft', 'head'],
      },
    ],
    more: `${DRAFT_MORE} Without --prefer, keys that both changed stop it, exit code 5, and are told.`,
    load: async () => (await load()).rebase,
  },
  {
    name: 'config draft publish',
    about: 'put a draft in force as the next version of its layer',
    args: ['<draft>'],
    options: [
      { flags: '--reason <text>', about: 'instead of the draft’s own' },
      {
        flags: '--if-version <n>',
        about: 'only when the draft is still at this version; exit code 5',
      },
      ...ROLLOUT,
    ],
    more: `${DRAFT_MORE} Exit code 5 when the layer went on since: rebase it first. ${ROLLOUT_MORE} Until the job has ended the draft is the job’s; it comes back when the job goes back.`,
    load: async () => (await load()).publish,
  },
  {
    name: 'config draft discard',
    about: 'throw a draft away',
    args: ['<draft>'],
    load: async () => (await load()).discard,
  },
];
