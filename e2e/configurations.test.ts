/** Configurations on the running product: to one agent, and to many in waves. */
import { describe } from 'vitest';
import { configDeliverySuite } from './config-delivery.suite.ts';
import { rolloutSuite } from './rollout.suite.ts';
import { shareProduct } from './shared-product.ts';

const shared = shareProduct({
  agents: [],
  env: { OPMAS_AGENT_MONITORING__HEARTBEAT_INTERVAL: '2' },
});

describe('delivery', () => configDeliverySuite(shared));
describe('rollouts', () => rolloutSuite(shared));
