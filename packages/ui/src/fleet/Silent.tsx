// Says that sources fell silent, and leads to them; nothing while all are heard.
import { Link } from '@tanstack/react-router';
import { VolumeX } from 'lucide-react';
import { useMe } from '../data/me.ts';
import { useSources } from '../data/sources.ts';
import { maySomewhere } from '../lib/grants.ts';
import { text } from '../text.ts';
import s from './Fleet.module.css';

export function Silent() {
  const { data } = useSources({ silent: '1' }, maySomewhere(useMe(), 'agents:read'));
  const count = data?.pages[0]?.items.length ?? 0;
  if (count === 0) return null;
  return (
    <p className={s.silent}>
      <VolumeX size={16} aria-hidden />
      <Link to="/sources" search={{ silent: '1' }} className="link">
        {text.fleet.silent(count, data?.pages[0]?.next_cursor !== null)}
      </Link>
    </p>
  );
}
