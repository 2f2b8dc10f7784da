// A layer as it is in force: its values, and who wrote it when and why.
import { Loader } from '@mantine/core';
import { useMemo } from 'react';
import type { LayerHead } from '../api/configs.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { Fault } from '../parts/Fault.tsx';
import { TimeAgo } from '../parts/TimeAgo.tsx';
import { configsText } from '../text/configs.ts';
import { text } from '../text.ts';
import { ownKeyColumns } from './columns.tsx';
import { KeyList } from './KeyList.tsx';
import { keyRows } from './keys.ts';

const words = configsText.layer;

export function LayerNow(props: {
  layer: { data: LayerHead | undefined; error: unknown; refetch: () => unknown };
}) {
  const { data, error, refetch } = props.layer;
  const rows = useMemo(() => keyRows(data?.config ?? {}, {}), [data]);
  return (
    <>
      {error !== null && <Fault error={error} onRetry={() => void refetch()} />}
      {!data && error === null && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {data && (
        <>
          <Facts>
            <Fact name={words.version}>
              {data.version === 0 ? configsText.unwritten : configsText.version(data.version)}
            </Fact>
            <Fact name={words.author}>{data.author}</Fact>
            <Fact name={words.when}>
              {data.created_at === null ? null : <TimeAgo at={data.created_at} />}
            </Fact>
            <Fact name={words.reason}>{data.reason}</Fact>
          </Facts>
          {data.version > 0 && <KeyList rows={rows} columns={ownKeyColumns} />}
        </>
      )}
    </>
  );
}
