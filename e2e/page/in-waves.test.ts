/** The page in a real browser against the whole product: changes that are kept, and go out in waves. */
import { describe } from 'vitest';
import { sharePage, TWO_AGENTS } from './bench.ts';
import { draftRolloutsSuite } from './draft-rollouts.suite.ts';
import { draftsSuite } from './drafts.suite.ts';
import { rolloutsSuite } from './rollouts.suite.ts';

const shared = sharePage([], TWO_AGENTS);

describe('drafts', () => draftsSuite(shared));
describe('rollouts', () => rolloutsSuite(shared));
describe('drafts in waves', () => draftRolloutsSuite(shared));
