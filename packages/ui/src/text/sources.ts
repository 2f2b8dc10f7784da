// The words about where events come from.

export const sourcesText = {
  title: 'Sources',
  intro:
    'Topics that agents read, and the hosts in them, the longest unheard first. A source is silent when it was heard regularly, and then no more: for three times its own longest gap of the last days, five minutes at least.',
  table: 'Sources, the longest unheard first',
  /** A span, as roughly as people speak of it. */
  span: (seconds: number) => {
    if (seconds < 90) return `${Math.ceil(seconds)} s`;
    if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
    if (seconds < 129_600) return `${Math.round(seconds / 3_600)} h`;
    return `${Math.round(seconds / 86_400)} d`;
  },
  columns: {
    source: 'Source',
    state: 'State',
    agent: 'Read by',
    last: 'Last heard',
    gap: 'Longest gap',
    after: 'Silent after',
  },
  states: { silent: 'Silent', heard: 'Heard', irregular: 'No rhythm yet' },
  whole: 'the whole topic',
  filter: 'Show only',
  onlySilent: 'Silent',
  agent: 'Agent',
  allAgents: 'All agents',
  empty: {
    title: 'No sources yet',
    text: 'Agents report with their metrics, about every minute, whom they hear.',
  },
  noneSilent: 'Nothing fell silent.',
  noMatch: 'No source of this agent',
  more: 'Load more sources',
  kept: (n: number) => `Only the first ${n} are shown here. Choose an agent to see others.`,
} as const;
