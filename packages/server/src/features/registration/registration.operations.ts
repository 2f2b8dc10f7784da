/** The API an agent speaks before it has a token. */
import {
  AgentId,
  CredentialsRequest,
  RegistrationAnswer,
  RegistrationRequest,
  Type,
} from '@opmas/protocol';
import { type Operation, operation } from '../../operation.ts';
import type { RegistrationService } from './registration.service.ts';

export function registrationOperations(registration: RegistrationService): Operation[] {
  return [
    operation({
      id: 'agents.register',
      summary: 'Register an agent with its one-time token',
      kind: 'unary',
      effect: 'write',
      permission: 'open',
      rest: { method: 'POST', path: '/agents', status: 201, limitPerMinute: 600, tag: 'agents' },
      body: RegistrationRequest,
      output: RegistrationAnswer,
      run: async ({ body }, call) => {
        const answer = await registration.register(call.db, body);
        call.audit({ object: answer.agent_id });
        return answer;
      },
    }),
    operation({
      id: 'agents.credentials',
      summary: 'Renew credentials with a signature of the registered key',
      kind: 'unary',
      effect: 'write',
      permission: 'open',
      rest: {
        method: 'POST',
        path: '/agents/{agent_id}/credentials',
        limitPerMinute: 600,
        tag: 'agents',
      },
      params: Type.Object({ agent_id: AgentId }),
      body: CredentialsRequest,
      output: RegistrationAnswer,
      run: ({ params, body }, call) => registration.renew(call.db, params.agent_id, body),
    }),
  ];
}
