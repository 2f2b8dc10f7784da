/** The health agent: matches the rules of `rules.json`, or those configured instead. */
import { defineAgent } from '@opmas/sdk';

export default defineAgent({ type: 'health' });
