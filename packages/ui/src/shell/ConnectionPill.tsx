// Whether what the page shows is current: live, reconnecting, or stale since when.
import { CloudOff, Radio, RefreshCw } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { useServices } from '../data/services.ts';
import { useNow } from '../lib/clock.ts';
import { clockTime } from '../lib/time.ts';
import { text } from '../text.ts';
import s from './ConnectionPill.module.css';
import { pillOf } from './pill.ts';

const ICONS = { connecting: RefreshCw, live: Radio, reconnecting: RefreshCw, stale: CloudOff };

export function ConnectionPill() {
  const { live } = useServices();
  const state = useSyncExternalStore(live.subscribe, live.state);
  const now = useNow();
  const { kind, since } = pillOf(state, now);
  const Icon = ICONS[kind];
  return (
    <span
      className={s.pill}
      data-kind={kind}
      role="status"
      title={text.connection.help[kind]}
      data-testid="connection"
    >
      <Icon size={14} aria-hidden />
      {kind === 'stale' ? text.connection.stale(clockTime(since)) : text.connection[kind]}
    </span>
  );
}
