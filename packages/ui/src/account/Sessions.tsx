// Where one is signed in, with a way to end it.

import { Button } from '@mantine/core';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { accountApi } from '../api/account.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Section } from '../parts/Section.tsx';
import { SessionList } from '../parts/SessionList.tsx';
import { accountText } from '../text/account.ts';

const words = accountText.sessions;

export function Sessions() {
  const { api } = useServices();
  const account = accountApi(api);
  const queries = useQueryClient();
  const [said, setSaid] = useState<string>();
  const sessions = useQuery({
    queryKey: keys.mySessions,
    queryFn: ({ signal }) => account.sessions(signal),
  });
  const after = (done: string) => {
    setSaid(done);
    return queries.invalidateQueries({ queryKey: keys.mySessions });
  };
  const end = useMutation({
    mutationFn: account.endSession,
    onSuccess: () => after(words.ended),
  });
  const endOthers = useMutation({
    mutationFn: account.endOtherSessions,
    onSuccess: () => after(words.endedOthers),
  });
  const rows = sessions.data?.items ?? [];
  const error = sessions.error ?? end.error ?? endOthers.error;
  return (
    <Section
      title={words.title}
      aside={
        rows.some((row) => !row.current) && (
          <Button
            variant="default"
            size="sm"
            loading={endOthers.isPending}
            onClick={() => endOthers.mutate()}
          >
            {words.endOthers}
          </Button>
        )
      }
    >
      {error && <Fault error={error} onRetry={() => void sessions.refetch()} />}
      <Notice said={said} />
      <SessionList
        rows={rows}
        onEnd={(row) => end.mutate(row.session_id)}
        ending={end.isPending ? end.variables : undefined}
      />
    </Section>
  );
}
