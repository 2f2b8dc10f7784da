/** The API of commands: start, stop, restart, remove, and following an action. */
import { Action, AgentId, Type } from '@opmas/protocol';
import { type Operation, operation } from '../../operation.ts';
import type { Command, LifecycleService } from './lifecycle.service.ts';

const AgentParams = Type.Object({ agent_id: AgentId });

export function lifecycleOperations(options: {
  lifecycle: LifecycleService;
  /** The package must not bring a removed agent back by itself. */
  ignorePackage: (path: string) => void;
  removeConsumers: (agentName: string) => void;
}): Operation[] {
  const { lifecycle } = options;
  const command = (name: Command, summary: string): Operation =>
    operation({
      id: `agents.${name}`,
      summary,
      kind: 'unary',
      effect: 'write',
      permission: 'agents:control',
      scope: 'agent',
      rest: { method: 'POST', path: `/agents/{agent_id}/${name}`, status: 202, tag: 'agents' },
      params: AgentParams,
      output: Action,
      run: ({ params }, call) => lifecycle.command(call.db, params.agent_id, name, call.caller),
    });
  return [
    command('start', 'Let the agent run'),
    command('stop', 'Stop the agent; it stays stopped until started'),
    command('restart', 'Stop and start the agent'),
    operation({
      id: 'agents.delete',
      summary: 'Stop and remove the agent; its package is ignored until approved again',
      kind: 'unary',
      effect: 'write',
      permission: 'agents:delete',
      scope: 'agent',
      rest: { method: 'DELETE', path: '/agents/{agent_id}', status: 204, tag: 'agents' },
      params: AgentParams,
      run: async ({ params }, call) => {
        const agent = await lifecycle.remove(call.db, params.agent_id, call.caller);
        call.afterCommit(() => {
          if (agent.package_path !== null) options.ignorePackage(agent.package_path);
          options.removeConsumers(agent.name);
        });
        return undefined as never;
      },
    }),
    operation({
      id: 'actions.get',
      summary: 'How a command ended, or that it has not yet',
      kind: 'unary',
      effect: 'read',
      permission: 'agents:read',
      scope: 'reach',
      rest: { method: 'GET', path: '/actions/{action_id}', tag: 'agents' },
      params: Type.Object({ action_id: Type.String({ format: 'uuid' }) }),
      output: Action,
      run: ({ params }, call) => lifecycle.action(call.db, params.action_id, call.reach),
    }),
  ];
}
