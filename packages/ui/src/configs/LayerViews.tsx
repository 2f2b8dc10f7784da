// Change and history of one layer: the same for an agent, a group, an environment and the fleet.
import { Loader } from '@mantine/core';
import type { LayerHead, Where } from '../api/configs.ts';
import { Fault } from '../parts/Fault.tsx';
import { text } from '../text.ts';
import type { Draft } from './draft.ts';
import { DraftList } from './drafts/DraftList.tsx';
import { Editor } from './Editor.tsx';
import { History } from './History.tsx';
import type { ConfigSearch } from './search.ts';

export function LayerViews(props: {
  where: Where;
  name: string;
  search: ConfigSearch;
  mayWrite: boolean;
  layer: { data: LayerHead | undefined; error: unknown; refetch: () => unknown };
  draft: Draft | undefined;
  onSearch: (search: ConfigSearch) => void;
  /** Something was done, in words; the screen shows what came of it, or the view that is named. */
  onDone: (said: string, next?: ConfigSearch) => void;
}) {
  const { where, name, search, mayWrite, layer, draft, onSearch, onDone } = props;
  if (search.view === 'history') {
    return (
      <History
        where={where}
        name={name}
        mayWrite={mayWrite}
        from={version(search.from)}
        to={version(search.to)}
        onCompare={(from, to) => onSearch({ view: 'history', from: String(from), to: String(to) })}
        onDone={(said) => {
          onSearch({ view: 'history' });
          onDone(said);
        }}
      />
    );
  }
  if (search.view === 'drafts') return <DraftList where={where} />;
  if (search.view !== 'edit' || !mayWrite) return null;
  if (!layer.data && layer.error !== null) {
    return <Fault error={layer.error} onRetry={() => void layer.refetch()} />;
  }
  if (!layer.data || !draft) return <Loader aria-label={text.loading} mx="auto" my="xl" />;
  return (
    <Editor
      where={where}
      name={name}
      draft={draft}
      head={layer.data}
      onPublished={onDone}
      onKept={(said) => onDone(said, { view: 'drafts' })}
    />
  );
}

function version(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}
