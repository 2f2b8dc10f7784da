// A digest, short; its button copies the whole.
import { ActionIcon } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { Check, Copy } from 'lucide-react';
import { text } from '../text.ts';
import s from './Digest.module.css';

const SHOWN = 12;

export function Digest({ digest }: { digest: string }) {
  const clipboard = useClipboard({ timeout: 2000 });
  const short = digest.replace(/^sha256[:-]/, '').slice(0, SHOWN);
  const label = clipboard.copied ? text.copied : text.copyOf(short);
  return (
    <span className={s.digest}>
      <code title={digest}>{short}</code>
      {/* Without HTTPS (other than on this machine) browsers offer no clipboard. */}
      {window.isSecureContext && (
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={label}
          title={label}
          onClick={() => clipboard.copy(digest)}
        >
          {clipboard.copied ? <Check size={13} aria-hidden /> : <Copy size={13} aria-hidden />}
        </ActionIcon>
      )}
    </span>
  );
}
