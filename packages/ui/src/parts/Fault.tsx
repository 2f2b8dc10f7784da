// Something failed: what, with the number to quote, and a way to try again.
import { Button } from '@mantine/core';
import { CircleAlert } from 'lucide-react';
import { ApiError } from '../api/http.ts';
import { visible } from '../lib/visible.ts';
import { text } from '../text.ts';
import s from './Fault.module.css';
import { HeldByJob } from './HeldByJob.tsx';
import { heldBy } from './held.ts';

export function Fault({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const fields = error instanceof ApiError ? error.fields : [];
  // A number to quote is for faults of the server; a refusal explains itself.
  const requestId = error instanceof ApiError && error.status >= 500 ? error.requestId : undefined;
  const job = heldBy(error);
  return (
    <div className={s.fault} role="alert">
      <CircleAlert size={18} aria-hidden className={s.icon} />
      <div className={s.words}>
        {job ? <HeldByJob job={job} /> : <span>{wordsOf(error)}</span>}
        {fields.length > 0 && (
          <ul className={s.fields}>
            {fields.map(({ path, message }) => (
              <li key={`${path} ${message}`}>
                {path && <code>{visible(path)}</code>} {visible(message)}
              </li>
            ))}
          </ul>
        )}
        {requestId && <span className={s.request}>{text.errors.request(requestId)}</span>}
      </div>
      {onRetry && (
        <Button size="xs" variant="default" onClick={onRetry}>
          {text.retry}
        </Button>
      )}
    </div>
  );
}

function wordsOf(error: unknown): string {
  return visible(error instanceof Error ? error.message : String(error));
}
