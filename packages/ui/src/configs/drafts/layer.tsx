// Whose layer a draft is for: in words, and as a link to the layer for whoever may see it.
import type { Where } from '../../api/configs.ts';
import { useAgent } from '../../data/configs.ts';
import { visible } from '../../lib/visible.ts';
import { draftsText } from '../../text/drafts.ts';
import { LayerLink } from '../Origin.tsx';

const words = draftsText.scopes;

/** `Fleet`, `Group berlin`, and of an agent its name. */
export function useLayerName(where: Where): string {
  const agent = useAgent(where.kind === 'agent' ? where.name : '');
  switch (where.kind) {
    case 'fleet':
      return words.fleet;
    case 'agent':
      return words.agent(visible(agent?.name ?? where.name));
    default:
      return words[where.kind](visible(where.name));
  }
}

export function DraftLayer({ where }: { where: Where }) {
  const name = useLayerName(where);
  if (where.kind !== 'agent') {
    const label = where.kind === 'fleet' ? 'fleet' : `${where.kind}:${where.name}`;
    return <LayerLink label={label} agentId="" />;
  }
  return (
    <>
      {name} <LayerLink label="agent" agentId={where.name} />
    </>
  );
}
