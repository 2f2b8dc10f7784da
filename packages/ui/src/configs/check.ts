// Judges what is typed: here whether it is JSON, by the server what it would do.
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { ConfigFault, Judged, Validation } from '../api/configs.ts';
import { useConfigs } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { type JsonReading, lineOf, readDocument } from '../lib/json-text.ts';
import { limits } from '../limits.ts';

export interface PlacedFault extends ConfigFault {
  line: number | undefined;
}

export interface Check {
  reading: JsonReading;
  /** The server's word on exactly this text; undefined while it is asked. */
  answer: Validation | undefined;
  faults: readonly PlacedFault[];
  /** The server could not be asked, or refused to answer. */
  error: unknown;
  isChecking: boolean;
  again: () => void;
}

export function useCheck(where: Judged, text: string, isNeeded: boolean): Check {
  const configs = useConfigs();
  const reading = useMemo(() => readDocument(text), [text]);
  const [rested] = useDebouncedValue(text, limits.checkAfterMs);
  const isAsked = isNeeded && reading.ok && rested === text;
  const query = useQuery({
    queryKey: keys.check(where, rested),
    queryFn: ({ signal }) => {
      const document = readDocument(rested);
      if (!document.ok) throw new Error('asked to judge what is no JSON');
      return configs.validate(where, document.value, signal);
    },
    enabled: isAsked,
    placeholderData: keepPreviousData,
    // Others write too; and a text may hold secrets.
    staleTime: 0,
    gcTime: 0,
    retry: false,
    refetchOnWindowFocus: false,
  });
  const isFresh = isAsked && !query.isPlaceholderData && query.data !== undefined;
  const answer = isFresh ? query.data : undefined;
  const faults = useMemo(() => placed(reading, query.data), [reading, query.data]);
  return {
    reading,
    answer,
    faults: isNeeded ? faults : [],
    error: isAsked ? query.error : null,
    isChecking: isNeeded && reading.ok && !isFresh && !query.error,
    again: () => void query.refetch(),
  };
}

function placed(reading: JsonReading, answer: Validation | undefined): PlacedFault[] {
  if (!reading.ok) return [];
  return (answer?.errors ?? []).map((fault) => ({
    ...fault,
    line: lineOf(reading.lines, fault.path),
  }));
}
