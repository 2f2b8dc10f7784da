/** The API of deliveries: where each agent's configuration stands, and another try. */
import { ConfigFault, Page, Timestamp, Type } from '@opmas/protocol';
import { pageQuery } from '../../kernel/paging.ts';
import { type Operation, operation } from '../../operation.ts';
import { AgentParams } from '../agents/index.ts';
import type { DeliveriesService } from './deliveries.service.ts';
import { DELIVERY_STATES } from './delivery.ts';

const Hash = Type.Union([Type.String(), Type.Null()]);
const Time = Type.Union([Timestamp, Type.Null()]);

const Delivery = Type.Object({
  agent_id: Type.String(),
  name: Type.String(),
  state: Type.Enum([...DELIVERY_STATES]),
  desired_hash: Type.String(),
  running_hash: Hash,
  healthy_hash: Hash,
  healthy_version: Type.Union([Type.Integer(), Type.Null()]),
  reason: Type.Union([Type.String(), Type.Null()]),
  errors: Type.Array(ConfigFault),
  since: Timestamp,
  offered_at: Time,
  deadline: Time,
  settled_at: Time,
  attempts: Type.Integer(),
});

const DeliveryDetail = Type.Object({
  ...Delivery.properties,
  instances: Type.Array(
    Type.Object({
      instance_id: Type.String(),
      running_hash: Hash,
      attempted_hash: Hash,
      healthy_hash: Hash,
      healthy_version: Type.Union([Type.Integer(), Type.Null()]),
      errors: Type.Array(ConfigFault),
      last_heard: Timestamp,
    }),
  ),
  left_behind: Type.Array(Type.Object({ topic: Type.String(), unread: Type.Integer() })),
  failed: Type.Array(
    Type.Object({
      hash: Type.String(),
      errors: Type.Array(ConfigFault),
      failed_at: Timestamp,
    }),
  ),
});

const Deliveries = Type.Object({
  ...Page(Delivery).properties,
  counts: Type.Object(
    Object.fromEntries(DELIVERY_STATES.map((state) => [state, Type.Integer()])) as Record<
      (typeof DELIVERY_STATES)[number],
      ReturnType<typeof Type.Integer>
    >,
  ),
});

export function deliveriesOperations(options: {
  deliveries: DeliveriesService;
  /** Something is to be delivered. */
  deliveriesChanged: () => void;
}): Operation[] {
  const { deliveries, deliveriesChanged } = options;
  return [
    operation({
      id: 'deliveries.list',
      summary: 'Where every agent’s configuration stands, and how many stand where',
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      scope: 'reach',
      rest: { method: 'GET', path: '/config/deliveries', tag: 'configs' },
      query: Type.Object({
        ...pageQuery,
        state: Type.Optional(Type.Enum([...DELIVERY_STATES])),
      }),
      output: Deliveries,
      run: ({ query }, call) => deliveries.list(call.db, query, call.reach),
    }),
    operation({
      id: 'deliveries.get',
      summary:
        'Where the agent’s configuration stands, instance by instance, and what failed on it',
      kind: 'unary',
      effect: 'read',
      permission: 'configs:read',
      scope: 'agent',
      rest: { method: 'GET', path: '/agents/{agent_id}/config/delivery', tag: 'configs' },
      params: AgentParams,
      output: DeliveryDetail,
      run: ({ params }, call) => deliveries.get(call.db, params.agent_id),
    }),
    operation({
      id: 'deliveries.retry',
      summary: 'Offer the agent a configuration again that failed on it',
      kind: 'unary',
      effect: 'write',
      permission: 'configs:write',
      scope: 'agent',
      rest: {
        method: 'POST',
        path: '/agents/{agent_id}/config/delivery/retry',
        status: 202,
        tag: 'configs',
      },
      params: AgentParams,
      output: DeliveryDetail,
      run: async ({ params }, call) => {
        const answer = await deliveries.retry(call.db, params.agent_id);
        call.audit({ object: params.agent_id, details: { hash: answer.desired_hash } });
        call.afterCommit(deliveriesChanged);
        return answer;
      },
    }),
  ];
}
