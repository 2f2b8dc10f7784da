/** The page in a real browser against the whole product with the agents that come with it: findings, and their rules. */
import { describe } from 'vitest';
import { AGENT_FOLDERS } from '../product.ts';
import { sharePage } from './bench.ts';
import { firstSuite } from './first.suite.ts';
import { rulesSuite } from './rules.suite.ts';

const shared = sharePage(AGENT_FOLDERS);

describe('at first', () => firstSuite(shared));
describe('rules', () => rulesSuite(shared));
