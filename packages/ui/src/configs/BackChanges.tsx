// What going back to a version would change, and whom that reaches.
import { useQuery } from '@tanstack/react-query';
import type { Document, Where } from '../api/configs.ts';
import { useConfigs, useDiff, useHistory } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { writeDocument } from '../lib/json-text.ts';
import { visible } from '../lib/visible.ts';
import { Fault } from '../parts/Fault.tsx';
import { configsText } from '../text/configs.ts';
import { text } from '../text.ts';
import { Blast } from './Blast.tsx';
import { Changes } from './Changes.tsx';
import s from './Configs.module.css';
import { Review } from './Publish.tsx';

const words = configsText.history;

export function BackChanges(props: {
  where: Where;
  /** The version in force. */
  head: number;
  to: number;
  /** What the old version says, where it is known already. */
  config?: Document;
}) {
  const { where, head, to } = props;
  const diff = useDiff(where, head, to);
  const history = useHistory(where, props.config === undefined);
  // Of a version that is older than those of the first page only the difference is shown.
  const [newest] = history.data?.pages ?? [];
  const reach = useReach(
    where,
    props.config ?? newest?.items.find(({ version }) => version === to)?.config,
  );
  return (
    <>
      {diff.error && <Fault error={diff.error} onRetry={() => void diff.refetch()} />}
      {diff.isPending && !diff.error && <p className={s.note}>{text.loading}</p>}
      {diff.data && (
        <Review label={words.changes}>
          <Changes diff={diff.data} label={words.changes} />
        </Review>
      )}
      {reach.error && <Fault error={reach.error} onRetry={() => void reach.refetch()} />}
      {reach.data?.valid === false && (
        <>
          <p className={s.note}>{words.unjudged}</p>
          <ul className={s.faults}>
            {reach.data.errors.map(({ path, message }) => (
              <li key={`${path} ${message}`}>
                {path !== '' && <code>{visible(path)}</code>} {visible(message)}
              </li>
            ))}
          </ul>
        </>
      )}
      {reach.data?.valid && (
        <>
          <h3 className={s.heading}>{configsText.blast.title}</h3>
          <Review label={configsText.blast.title}>
            <Blast check={reach.data} />
          </Review>
        </>
      )}
    </>
  );
}

/**
 * What the old version would do now. One with secrets that are not kept any more cannot be judged ahead,
 * because its text is not known here; the rollback itself brings them back.
 */
function useReach(where: Where, config: Document | undefined) {
  const configs = useConfigs();
  return useQuery({
    queryKey: keys.check(where, writeDocument(config ?? null)),
    queryFn: ({ signal }) => configs.validate(where, config ?? {}, signal),
    enabled: config !== undefined,
    staleTime: 0,
    gcTime: 0,
    retry: false,
  });
}
