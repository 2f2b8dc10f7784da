// Keeps what is typed into a trial while other screens are looked at; it is gone with the session.
import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useState } from 'react';
import { keys } from '../../data/keys.ts';
import { NEW_TRIAL, type TrialInput } from './input.ts';

export interface Draft {
  input: TrialInput;
  /** The rule it began with, by agent and id: only another one takes its place. */
  begunWith?: string;
}

export function useDraft() {
  const queries = useQueryClient();
  const [draft, setDraft] = useState<Draft>(
    () => queries.getQueryData<Draft>(keys.trialDraft) ?? { input: NEW_TRIAL },
  );
  const change = useCallback(
    (next: (before: Draft) => Draft) =>
      setDraft((before) => {
        const after = next(before);
        queries.setQueryDefaults(keys.trialDraft, { gcTime: Number.POSITIVE_INFINITY });
        queries.setQueryData<Draft>(keys.trialDraft, after);
        return after;
      }),
    [queries],
  );
  return [draft, change] as const;
}
