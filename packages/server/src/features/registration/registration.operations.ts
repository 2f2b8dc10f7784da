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
      effect: 'external',
      permission: 'open',
      rest: { method: 'POST', path: '/agents', status: 201, limitPerMinute: 600, tag: 'agents' },
      body: RegistrationRequest,
      output: RegistrationAnswer,
      run: ({ body }, call) => registration.register(body, call),
    }),
    operation({
      id: 'agents.credentials',
      summary: 'Renew credentials with a signature of the registered key',
      kind: 'unary',
      effect: 'external',
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
      run: ({ params, body }, call) => {
        call.audit({ details: { instance_id: body.instance_id } });
        return registration.renew(params.agent_id, body, call.commit);
      },
    }),
  ];
}
