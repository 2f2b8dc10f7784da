// Every draft that one may see.

import { useRouterState } from '@tanstack/react-router';
import { Notice } from '../../parts/Notice.tsx';
import { Page } from '../../parts/Page.tsx';
import { configsText } from '../../text/configs.ts';
import { draftsText } from '../../text/drafts.ts';
import { Areas } from '../Areas.tsx';
import s from '../Configs.module.css';
import { DraftList } from './DraftList.tsx';

export function Drafts() {
  // What became of a draft whose screen was left because it is gone.
  const said = useRouterState({ select: ({ location }) => location.state.draftSaid });
  return (
    <Page title={configsText.title}>
      <Areas current="drafts" />
      <Notice said={said} />
      <p className={s.note}>{draftsText.note}</p>
      <DraftList />
    </Page>
  );
}
