// One draft: what it is for, what publishing it would do, whether its layer went on; changing, publishing, discarding it.
import { Button, Loader } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useState } from 'react';
import { type DraftDetail, whereOf } from '../../api/drafts.ts';
import { ApiError } from '../../api/http.ts';
import { useAgent } from '../../data/configs.ts';
import { useDraftsApi, useStoredDraft } from '../../data/drafts.ts';
import { keys } from '../../data/keys.ts';
import { useMayFor, useMe } from '../../data/me.ts';
import { mayRollOut } from '../../jobs/model.ts';
import { scopeOf } from '../../jobs/rollout-draft.ts';
import { Back } from '../../parts/Back.tsx';
import { Confirm, type Question } from '../../parts/Confirm.tsx';
import { Fault } from '../../parts/Fault.tsx';
import { Notice } from '../../parts/Notice.tsx';
import { Page } from '../../parts/Page.tsx';
import { Views } from '../../parts/Views.tsx';
import { draftsText as words } from '../../text/drafts.ts';
import { text } from '../../text.ts';
import s from '../Configs.module.css';
import { draftHead, useDraft } from '../draft.ts';
import { Leave } from '../Leave.tsx';
import { DraftNow } from './DraftNow.tsx';
import { EditDraft } from './EditDraft.tsx';
import { useLayerName } from './layer.tsx';
import { PublishDraft } from './PublishDraft.tsx';
import { Rebase } from './Rebase.tsx';
import { UnderRollout, WentBack } from './UnderRollout.tsx';

const route = getRouteApi('/app/configs/drafts/$draft');

export function DraftScreen() {
  const { draft: id } = route.useParams();
  const draft = useStoredDraft(id);
  if (draft.data) return <Screen key={id} detail={draft.data} fault={draft.error} />;
  const isGone = draft.error instanceof ApiError && [400, 404].includes(draft.error.status);
  return (
    <Page title={words.title} aside={<Back to="/configs/drafts" label={words.back} />}>
      {isGone && <p className="muted">{words.gone}</p>}
      {draft.error && !isGone && <Fault error={draft.error} onRetry={() => void draft.refetch()} />}
      {draft.isPending && !draft.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
    </Page>
  );
}

/** @param fault why it could not be asked for again: somebody may have published or discarded it */
function Screen({ detail, fault }: { detail: DraftDetail; fault: unknown }) {
  const search = route.useSearch();
  const navigate = route.useNavigate();
  const where = whereOf(detail);
  const layer = useLayerName(where);
  const mayWrite = useMayFor('configs:write', useAgent(where.kind === 'agent' ? where.name : ''));
  const draft = useDraft(draftHead(detail));
  const queries = useQueryClient();
  const [said, setSaid] = useState<string>();
  const id = detail.draft_id;
  const again = useCallback(
    () => void queries.invalidateQueries({ queryKey: keys.draft(id) }),
    [queries, id],
  );
  const mayChange = mayWrite && detail.job_id === null;
  const view = search.view === 'edit' && mayChange ? 'edit' : 'now';
  return (
    <Page title={words.titleOf(layer)} aside={<Back to="/configs/drafts" label={words.back} />}>
      {mayChange && (
        <Views
          label={words.views.label}
          views={(['now', 'edit'] as const).map((key) => ({ key, label: words.views[key] }))}
          current={view}
          link={(key, link) => (
            <Link
              key={key}
              to="/configs/drafts/$draft"
              params={{ draft: detail.draft_id }}
              search={key === 'now' ? {} : { view: key }}
              activeOptions={{ exact: true }}
              onClick={() => setSaid(undefined)}
              {...link}
            />
          )}
        />
      )}
      {fault !== null && <Fault error={fault} />}
      <Notice said={said} />
      {detail.job_id !== null && <UnderRollout jobId={detail.job_id} onEnded={again} />}
      {detail.returned !== null && <WentBack returned={detail.returned} />}
      {detail.moved && (
        <Rebase
          detail={detail}
          mayWrite={mayWrite}
          isHeld={draft?.isChanged ?? false}
          onDone={setSaid}
          onStale={again}
        />
      )}
      {view === 'now' && (
        <DraftNow
          detail={detail}
          aside={
            mayChange && (
              <Actions
                detail={detail}
                layer={layer}
                isChanged={draft?.isChanged ?? false}
                onStale={() => {
                  setSaid(words.publish.moved);
                  again();
                }}
              />
            )
          }
        />
      )}
      {view === 'edit' && draft && (
        <EditDraft
          detail={detail}
          draft={draft}
          onStale={again}
          onSaved={(what) => {
            setSaid(what);
            void navigate({ search: {}, resetScroll: false });
          }}
        />
      )}
      <Leave isChanged={draft?.isChanged ?? false} />
    </Page>
  );
}

function Actions(props: {
  detail: DraftDetail;
  layer: string;
  /** A text is typed that is not saved: what would be published is not what one sees. */
  isChanged: boolean;
  onStale: () => void;
}) {
  const { detail, layer } = props;
  const drafts = useDraftsApi();
  const navigate = useNavigate();
  const queries = useQueryClient();
  const [isPublishing, setPublishing] = useState(false);
  const [question, setQuestion] = useState<Question>();
  const isStuck = detail.moved || !detail.valid || props.isChanged;
  const hasWaves = scopeOf(whereOf(detail)) !== undefined;
  const mayInWaves = mayRollOut(useMe()) && hasWaves;

  /** First away from here: what is gone is not to be asked for again. */
  async function leave(draftSaid: string): Promise<void> {
    await navigate({ to: '/configs/drafts', state: { draftSaid }, ignoreBlocker: true });
    queries.removeQueries({ queryKey: keys.draft(detail.draft_id) });
    await queries.invalidateQueries({ queryKey: keys.configs });
  }

  return (
    <div className={s.buttons}>
      <Button size="sm" disabled={isStuck} onClick={() => setPublishing(true)}>
        {words.publish.open}
      </Button>
      {mayInWaves && (
        <Button
          size="sm"
          variant="default"
          disabled={isStuck}
          onClick={() => void navigate({ to: '/jobs/new', search: { draft: detail.draft_id } })}
        >
          {words.rollout.open}
        </Button>
      )}
      <Button
        size="sm"
        variant="default"
        onClick={() =>
          setQuestion({
            ...words.discard,
            act: async () => {
              await drafts.discard(detail.draft_id);
              await leave(words.discard.done);
            },
          })
        }
      >
        {words.discard.open}
      </Button>
      <PublishDraft
        isOpen={isPublishing}
        draft={detail}
        layer={layer}
        onClose={() => setPublishing(false)}
        onPublished={(version) => void leave(words.publish.done(version))}
        onStale={() => {
          setPublishing(false);
          props.onStale();
        }}
      />
      <Confirm question={question} onDone={() => setQuestion(undefined)} />
    </div>
  );
}
