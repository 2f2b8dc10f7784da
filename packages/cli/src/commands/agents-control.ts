/** `opmas agents start|stop|restart|rm`: one command to several agents, each with its own outcome. */
import { setTimeout as delay } from 'node:timers/promises';
import { actionsGet, agentsDelete, agentsRestart, agentsStart, agentsStop } from '@opmas/client';
import type { Action, Agent } from '@opmas/protocol';
import { agentOf } from '../api/agent-ref.ts';
import type { Api } from '../api/api.ts';
import { CliError, messageOf, problemOf } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Command, Run } from '../run.ts';
import { confirm } from './ask.ts';

const REQUESTS = { start: agentsStart, stop: agentsStop, restart: agentsRestart } as const;

export function control(verb: keyof typeof REQUESTS): Command {
  return async (run) => {
    const api = await run.api();
    const wait = run.options.flag('wait');
    const seconds = run.options.count('timeout', 86_400) ?? limits.waitSeconds;
    const end = performance.now() + seconds * 1_000;
    return each(run, api, async (agent) => {
      const path = { agent_id: agent.agent_id };
      const first = await api.call((client) => REQUESTS[verb]({ client, path }));
      const action = wait ? await outcome(api, agent, first, end) : first;
      if (action.state === 'failed' || action.state === 'expired') {
        throw new CliError(
          action.state === 'expired' ? EXIT.timeout : EXIT.failed,
          `${agent.name}: ${verb} ${action.state}${action.reason === null ? '' : `: ${action.reason}`}`,
        );
      }
      const said = action.reason === null ? '' : ` (${action.reason})`;
      return { result: action, sentence: `${agent.name}: ${verb} ${action.state}${said}` };
    });
  };
}

export async function remove(run: Run): Promise<ExitCode> {
  const api = await run.api();
  await confirm(run, `Stop and remove ${run.args.join(', ')}?`);
  return each(run, api, async (agent) => {
    await api.call((client) => agentsDelete({ client, path: { agent_id: agent.agent_id } }));
    return {
      result: { agent_id: agent.agent_id, name: agent.name, status: 'removed' },
      sentence: `${agent.name}: removed; its package is ignored until approved again`,
    };
  });
}

interface Told {
  result: object;
  sentence: string;
}

/** One agent: its outcome. Several: a list, with what went wrong in its place. */
async function each(run: Run, api: Api, tell: (agent: Agent) => Promise<Told>): Promise<ExitCode> {
  const { args, out, io } = run;
  const agents = new Map<string, Agent>();
  for (const ref of args) {
    const agent = await agentOf(api, ref);
    agents.set(agent.agent_id, agent);
  }
  if (agents.size === 1) {
    for (const agent of agents.values()) {
      const { result, sentence } = await tell(agent);
      out.done(result, sentence);
    }
    return EXIT.ok;
  }
  const failures: CliError[] = [];
  // All at once: a wait for one is no wait for the next.
  const results = await Promise.all(
    [...agents.values()].map(async (agent): Promise<object> => {
      try {
        const { result, sentence } = await tell(agent);
        if (!out.json) out.done(result, sentence);
        return result;
      } catch (error) {
        if (!(error instanceof CliError)) throw error;
        failures.push(error);
        io.error(messageOf(error));
        return { agent_id: agent.agent_id, ...problemOf(error) };
      }
    }),
  );
  if (out.json) out.list(results, [], '');
  const [first] = failures;
  if (first === undefined) return EXIT.ok;
  return failures.length < agents.size ? EXIT.partial : first.exit;
}

async function outcome(api: Api, agent: Agent, first: Action, end: number): Promise<Action> {
  let action = first;
  while (action.state === 'pending') {
    if (performance.now() >= end) {
      throw new CliError(EXIT.timeout, `${agent.name}: ${action.command} has not happened yet`, {
        fix: `Look again: opmas api GET /actions/${action.action_id}`,
      });
    }
    await delay(limits.actionPollMs);
    const path = { action_id: action.action_id };
    action = await api.call((client) => actionsGet({ client, path }));
  }
  return action;
}
