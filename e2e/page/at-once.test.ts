/** The page in a real browser against the whole product: agents and their configurations, changed at once. */
import { describe } from 'vitest';
import { sharePage, TWO_AGENTS } from './bench.ts';
import { configSuite } from './config.suite.ts';
import { groupsSuite } from './groups.suite.ts';
import { jobsSuite } from './jobs.suite.ts';

const shared = sharePage([], TWO_AGENTS);

describe('configurations', () => configSuite(shared));
describe('groups', () => groupsSuite(shared));
describe('jobs', () => jobsSuite(shared));
