/** Reports every line of its topic that a rule matches, but for the programs it is told to ignore. */
import { defineAgent, t } from '@opmas/sdk';

export default defineAgent({
  type: '__AGENT_TYPE__',
  config: {
    ignored_programs: t.list(t.string(''), ['cron']),
  },
  on: {
    'logs.__DOMAIN__': async (event, ctx) => {
      if (ctx.config.ignored_programs.includes(event.program ?? '')) return;
      for (const match of ctx.match(event)) await ctx.finding(match);
    },
  },
});
