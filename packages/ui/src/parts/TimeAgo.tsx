// A moment as distance from now, with the full date and time on hover.
import { useNow } from '../lib/clock.ts';
import { absolute, relative } from '../lib/time.ts';

export function TimeAgo({ at, className }: { at: string; className?: string | undefined }) {
  const now = useNow();
  return (
    <time dateTime={at} title={absolute(at)} className={className}>
      {relative(at, now)}
    </time>
  );
}
