// The words of the groups screens.
export const groupsText = {
  title: 'Groups',
  titleOf: (name: string) => `Group ${name}`,
  note: 'A group is a selector of agents with a layer of configuration of its own. Of two groups that set the same key the higher priority wins, of equal ones the later name.',
  table: 'Groups in the order of their layers',
  columns: {
    name: 'Group',
    selector: 'Selector',
    agents: 'Agents',
    priority: 'Priority',
    updated: 'Changed',
  },
  add: 'New group',
  empty: {
    title: 'No groups yet',
    text: 'A group gives the agents that its selector chooses a layer of configuration.',
    line: "opmas groups create berlin 'site=berlin'",
  },
  edit: 'Edit group',
  delete: 'Delete',
  deleteTitle: (name: string) => `Delete the group ${name}?`,
  deleteEffect: (agents: number) =>
    agents === 0
      ? 'It reaches no agent now. A group made again under its name begins empty.'
      : `Its layer reaches ${agents === 1 ? 'its agent' : `its ${agents} agents`} no more: what they are told changes at once. A group made again under its name begins empty.`,
  deleted: (name: string) => `The group ${name} is deleted.`,
  saved: (name: string, changed: number) =>
    changed === 0
      ? `The group ${name} is saved; no agent is told anything else.`
      : `The group ${name} is saved; ${changed === 1 ? '1 agent is' : `${changed} agents are`} told something else.`,
  form: {
    newTitle: 'New group',
    title: (name: string) => `Change the group ${name}`,
    name: 'Name',
    nameHelp: 'Letters, digits, hyphen and underscore; it begins with a letter or digit',
    description: 'What it is for',
    selector: 'Selector',
    selectorHelp:
      'type=wifi, site=berlin, tag!=old, name in (a, "b c"): every term must hold. Keys other than id, name, type and tag look at tags key=value.',
    priority: 'Priority',
    priorityHelp: 'The higher one wins',
    submit: 'Save the group',
    unreadable: (message: string, at: number) => `The selector ${message}, at character ${at}`,
    conflict: (version: number) =>
      `Somebody else changed this group meanwhile: it is at version ${version} now. Your input is kept; look at theirs and save again.`,
    theirs: 'Theirs',
  },
  reach: {
    title: 'Whom it reaches',
    none: 'No agent',
    some: (n: number, all: number) => `${n} of ${all} agents`,
    joins: (n: number) => `${n} ${n === 1 ? 'joins' : 'join'}`,
    leaves: (n: number) => `${n} ${n === 1 ? 'leaves' : 'leave'}`,
    joining: 'joins',
    leaving: 'leaves',
    more: (n: number) => `and ${n} more`,
    hidden: 'You may not see agents, so whom it reaches is not shown.',
  },
  effect: {
    checking: 'Checking what saving it would do…',
    none: 'No agent is told anything else.',
    changed: (n: number) =>
      n === 1 ? '1 agent is told something else.' : `${n} agents are told something else.`,
    unfit: (n: number) =>
      `It cannot be saved: the layer of this group does not fit ${n === 1 ? '1 agent' : `${n} agents`}.`,
    unfitList: 'Agents that its layer does not fit',
    more: (n: number) => `and ${n} more`,
  },
  members: {
    table: 'Agents in this group',
    none: 'The selector chooses no agent now.',
    columns: { agent: 'Agent', type: 'Type', tags: 'Tags', status: 'Status' },
  },
  facts: {
    selector: 'Selector',
    priority: 'Priority',
    description: 'For',
    agents: 'Agents',
  },
} as const;
