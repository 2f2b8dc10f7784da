/** The API of agents' credentials: taking them away. */
import { OpmasError } from '../../kernel/errors.ts';
import { type Operation, operation } from '../../operation.ts';
import { AgentParams, type AgentsService } from '../agents/index.ts';
import type { SlotsService } from './slots.service.ts';

export function credentialsOperations(options: {
  agents: AgentsService;
  slots: SlotsService;
}): Operation[] {
  const { agents, slots } = options;
  return [
    operation({
      id: 'agents.revoke_credentials',
      summary:
        'Take the agent off the broker and the API at once; it must enroll again, with a new key',
      kind: 'unary',
      effect: 'write',
      permission: 'agents:control',
      scope: 'agent',
      rest: {
        method: 'DELETE',
        path: '/agents/{agent_id}/credentials',
        status: 204,
        tag: 'agents',
      },
      params: AgentParams,
      run: async ({ params }, call) => {
        const agent = await agents.lock(call.db, params.agent_id);
        if (agent.status === 'removed') {
          throw new OpmasError('OPMAS_ILLEGAL_TRANSITION', `${agent.name} was removed`);
        }
        const keys = await slots.unregister(
          call.db,
          params.agent_id,
          `revoked by ${call.caller.name}`,
        );
        await agents.change(call.db, params.agent_id, {
          conditions: [
            {
              type: 'unenrolled',
              present: true,
              reason: 'credentials_revoked',
              message: 'Its credentials were revoked; it enrolls again at its next launch',
            },
            { type: 'duplicate_identity', present: false },
          ],
        });
        call.audit({ object: params.agent_id, details: { keys } });
        return undefined as never;
      },
    }),
  ];
}
