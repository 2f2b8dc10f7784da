/** An agent as people name it: its id, the beginning of the id, or its name. */
import { agentsList } from '@opmas/client';
import type { Agent } from '@opmas/protocol';
import { CliError, usageError } from '../errors.ts';
import { EXIT } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Api } from './api.ts';
import { collect } from './pages.ts';

/** @throws {CliError} usage when it names several, not found when it names none */
export async function agentOf(api: Api, ref: string): Promise<Agent> {
  if (ref === '')
    throw usageError('An agent is named by its id, the beginning of its id, or its name');
  const similar = await collect(limits.listItems, (query) =>
    api.call((client) => agentsList({ client, query: { ...query, q: ref.slice(0, 128) } })),
  );
  return choose(similar, ref);
}

export function choose(agents: readonly Agent[], ref: string): Agent {
  const wanted = ref.toLowerCase();
  const exact = agents.find(({ agent_id, name }) => agent_id === ref || name === ref);
  if (exact !== undefined) return exact;
  const fits = agents.filter(
    ({ agent_id, name }) =>
      agent_id.toLowerCase().startsWith(wanted) || name.toLowerCase() === wanted,
  );
  const [only, ...others] = fits;
  if (only === undefined) {
    const near = agents.map(({ name }) => name);
    throw new CliError(EXIT.notFound, `No agent is called ${JSON.stringify(ref)}`, {
      fix:
        near.length === 0
          ? '`opmas agents ls` lists them.'
          : `Did you mean ${near.slice(0, limits.candidates).join(', ')}?`,
    });
  }
  if (others.length === 0) return only;
  const names = fits
    .slice(0, limits.candidates)
    .map(({ name, agent_id }) => `${name} (${agent_id})`);
  const more = fits.length > names.length ? ` and ${fits.length - names.length} more` : '';
  throw usageError(
    `${JSON.stringify(ref)} may be ${names.join(', ')}${more}`,
    'Say more of the id.',
  );
}
