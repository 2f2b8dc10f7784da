// Keeps the rows still while the reader is not at the top.
import type { FindingRecord } from '@opmas/protocol';
import { useEffect, useMemo, useRef, useState } from 'react';
import { splitFresh } from './filter.ts';

/** Further down than this, new rows wait. */
const TOP_PX = 80;

/** @param list names the list: another filter is another list, with nothing held back. */
export function useHeldBack(findings: readonly FindingRecord[], list: string) {
  const [held, setHeld] = useState<{ list: string; id: string }>();
  const topId = held?.list === list ? held.id : undefined;
  const first = useRef<string>(undefined);
  first.current = findings[0]?.finding_id;
  useEffect(() => {
    const onScroll = () => {
      const id = first.current;
      const isAway = window.scrollY > TOP_PX && id !== undefined;
      setHeld((before) => {
        if (!isAway) return undefined;
        return before?.list === list ? before : { list, id };
      });
    };
    onScroll();
    window.addEventListener('scroll', onScroll, { passive: true });
    return () => window.removeEventListener('scroll', onScroll);
  }, [list]);
  const split = useMemo(() => splitFresh(findings, topId), [findings, topId]);
  return {
    ...split,
    toTop: () => {
      setHeld(undefined);
      window.scrollTo({ top: 0 });
    },
  };
}
