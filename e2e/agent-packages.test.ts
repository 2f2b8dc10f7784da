/** Agent packages on the running product: what users do to them, and what those do that mean harm. */
import { describe } from 'vitest';
import { hostileAgentSuite } from './hostile-agent.suite.ts';
import { packagesSuite } from './packages.suite.ts';
import { shareProduct } from './shared-product.ts';

const shared = shareProduct({ agents: ['security_agent'] });

describe('in use', () => packagesSuite(shared));
describe('with intent', () => hostileAgentSuite(shared));
