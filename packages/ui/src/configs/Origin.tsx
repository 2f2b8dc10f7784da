// Where a value is from: the layer, which leads there, with its version and who wrote it.
import { Link } from '@tanstack/react-router';
import type { LayerOrigin } from '../api/configs.ts';
import { useMay } from '../data/me.ts';
import { visible } from '../lib/visible.ts';
import { Mark } from '../parts/Status.tsx';
import { configsText } from '../text/configs.ts';
import s from './Configs.module.css';

const words = configsText.layers;

export function layerName(label: string): string {
  const at = label.indexOf(':');
  const rest = visible(label.slice(at + 1));
  if (label.startsWith('group:')) return words.group(rest);
  if (label.startsWith('environment:')) return words.environment(rest);
  return Object.hasOwn(words.names, label)
    ? words.names[label as keyof typeof words.names]
    : visible(label);
}

/** The layer's name; a link for whoever may see the layer by itself. */
export function LayerLink({ label, agentId }: { label: string; agentId: string }) {
  const mayLayers = useMay('configs:read');
  const mayGroups = useMay('groups:read');
  const name = layerName(label);
  const of = label.slice(label.indexOf(':') + 1);
  if (label === 'agent' || label === 'runtime') {
    return (
      <Link
        to="/configs/agents/$agent"
        params={{ agent: agentId }}
        search={{ view: label === 'agent' ? 'history' : 'runtime' }}
        className="link"
      >
        {name}
      </Link>
    );
  }
  if (label === 'fleet' && mayLayers) {
    return (
      <Link to="/configs/fleet" className="link">
        {name}
      </Link>
    );
  }
  if (label.startsWith('environment:') && mayLayers) {
    return (
      <Link to="/configs/environments/$environment" params={{ environment: of }} className="link">
        {name}
      </Link>
    );
  }
  if (label.startsWith('group:') && mayLayers && mayGroups) {
    return (
      <Link to="/groups/$name" params={{ name: of }} className="link">
        {name}
      </Link>
    );
  }
  return name;
}

export function Pinned({ stored }: { stored: LayerOrigin | undefined }) {
  if (!stored?.pinned) return null;
  return (
    <span title={words.pinnedHelp}>
      <Mark tone="warn" word={words.pinned} />
    </span>
  );
}

export function Origin(props: { label: string; stored: LayerOrigin | undefined; agentId: string }) {
  const { label, stored } = props;
  return (
    <span className={s.state}>
      <LayerLink label={label} agentId={props.agentId} />
      {stored && (
        <span className="muted" title={stored.reason === null ? undefined : visible(stored.reason)}>
          {configsText.keys.by(configsText.version(stored.version), visible(stored.author))}
        </span>
      )}
      <Pinned stored={stored} />
    </span>
  );
}
