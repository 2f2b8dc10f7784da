/** The security agent: matches the rules of `rules.json`, or those configured instead. */
import { defineAgent } from '@opmas/sdk';

export default defineAgent({ type: 'security' });
