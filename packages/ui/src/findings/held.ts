// Keeps the rows still while the reader is not at the top.
import type { FindingRecord } from '@opmas/protocol';
import { useEffect, useMemo, useRef, useState } from 'react';
import { splitFresh } from './filter.ts';

/** Further down than this, new rows wait. */
const TOP_PX = 80;

export function useHeldBack(findings: readonly FindingRecord[]) {
  const [topId, setTopId] = useState<string>();
  const first = useRef<string>(undefined);
  first.current = findings[0]?.finding_id;
  useEffect(() => {
    const onScroll = () => {
      const isAway = window.scrollY > TOP_PX;
      setTopId((held) => (isAway ? (held ?? first.current) : undefined));
    };
    onScroll();
    window.addEventListener('scroll', onScroll, { passive: true });
    return () => window.removeEventListener('scroll', onScroll);
  }, []);
  const split = useMemo(() => splitFresh(findings, topId), [findings, topId]);
  return {
    ...split,
    toTop() {
      setTopId(undefined);
      window.scrollTo({ top: 0 });
    },
  };
}
