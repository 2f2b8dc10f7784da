// The layer of a draft went on: what it says since, where both disagree, and who shall hold there.
import { Button } from '@mantine/core';
import { TriangleAlert } from 'lucide-react';
import { type DraftDetail, whereOf } from '../../api/drafts.ts';
import { ApiError } from '../../api/http.ts';
import { useChange } from '../../data/access.ts';
import { useDiff } from '../../data/configs.ts';
import { useDraftsApi } from '../../data/drafts.ts';
import { keys } from '../../data/keys.ts';
import { visible } from '../../lib/visible.ts';
import { Fault } from '../../parts/Fault.tsx';
import { draftsText } from '../../text/drafts.ts';
import { Changes } from '../Changes.tsx';
import s from '../Configs.module.css';

const words = draftsText.rebase;

export function Rebase(props: {
  detail: DraftDetail;
  mayWrite: boolean;
  /** A text is typed that is not saved: it is saved or dropped first. */
  isHeld: boolean;
  onDone: (said: string) => void;
  /** The draft is not the one that is shown any more. */
  onStale: () => void;
}) {
  const { detail: draft, mayWrite, isHeld } = props;
  const drafts = useDraftsApi();
  const where = whereOf(draft);
  const diff = useDiff(where, draft.base_version, draft.head_version);
  const rebase = useChange(
    (prefer: 'draft' | 'head' | undefined) =>
      drafts.rebase(draft.draft_id, { version: draft.version, prefer }),
    [keys.configs],
    ({ base_version: version, resolved }, prefer) => {
      const paths = visible(resolved.map(({ path }) => path).join(', '));
      const which = prefer && paths ? ` ${words.resolved(paths, prefer)}` : '';
      props.onDone(`${words.done(version)}${which}`);
    },
  );
  const run = (prefer?: 'draft' | 'head') =>
    rebase.mutate(prefer, {
      // Another version, or another disagreement, than is shown here.
      onError: (error) => error instanceof ApiError && error.status < 500 && props.onStale(),
    });
  const isClear = draft.conflicts.length === 0;
  const changes = draft.conflicts.map(({ path, draft: mine, head }) => ({
    path,
    ...(head === undefined ? {} : { before: head }),
    ...(mine === undefined ? {} : { after: mine }),
  }));
  return (
    <section className={s.conflict} aria-label={words.title(draft.head_version)}>
      <h2 className={s.conflictTitle}>
        <TriangleAlert size={17} aria-hidden />
        {words.title(draft.head_version)}
      </h2>
      <p>{words.text(draft.base_version)}</p>
      {rebase.error && <Fault error={rebase.error} />}
      {diff.error && <Fault error={diff.error} onRetry={() => void diff.refetch()} />}
      {diff.data && (
        <>
          <h3 className={s.heading}>{words.theirs}</h3>
          <Changes diff={diff.data} label={words.theirs} />
        </>
      )}
      {!isClear && (
        <>
          <h3 className={s.heading}>{words.conflicts}</h3>
          <Changes diff={{ changes, more: 0 }} label={words.conflicts} sides={words} />
        </>
      )}
      {mayWrite && (
        <div className={s.buttons}>
          {isClear ? (
            <Button size="xs" loading={rebase.isPending} disabled={isHeld} onClick={() => run()}>
              {words.submit}
            </Button>
          ) : (
            (['draft', 'head'] as const).map((side) => (
              <Button
                key={side}
                size="xs"
                variant={side === 'draft' ? 'filled' : 'default'}
                loading={rebase.isPending && rebase.variables === side}
                disabled={rebase.isPending || isHeld}
                onClick={() => run(side)}
              >
                {words[side]}
              </Button>
            ))
          )}
        </div>
      )}
    </section>
  );
}
