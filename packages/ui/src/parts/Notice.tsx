// Says that something was done; a screen reader hears it.
import { CircleCheck } from 'lucide-react';
import s from './Notice.module.css';

/** Keep it mounted with no text: only a change inside is announced. */
export function Notice({ said }: { said: string | undefined }) {
  return (
    <div role="status" className={s.place}>
      {said && (
        <p className={s.notice}>
          <CircleCheck size={16} aria-hidden />
          {said}
        </p>
      )}
    </div>
  );
}
