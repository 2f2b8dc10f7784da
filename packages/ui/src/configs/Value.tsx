// One value of a configuration: as it is when it is short, opened when it is long, never a secret's text.
import { Lock } from 'lucide-react';
import { visible } from '../lib/visible.ts';
import { Raw } from '../parts/Raw.tsx';
import { configsText } from '../text/configs.ts';
import s from './Configs.module.css';
import { inShort, isSecret } from './keys.ts';

const SHORT = 80;

export function Value({ value, label }: { value: unknown; label: string }) {
  if (isSecret(value)) {
    return (
      <span className={s.secret}>
        <Lock size={13} aria-hidden />
        {configsText.keys.secret}
      </span>
    );
  }
  const { short, isWhole } = inShort(value, SHORT);
  if (isWhole) return <code className={s.value}>{visible(short)}</code>;
  return (
    <details className={s.long}>
      <summary>
        <code className={s.value}>{visible(short)}</code>
      </summary>
      <Raw label={label} text={JSON.stringify(value, null, 2)} />
    </details>
  );
}
