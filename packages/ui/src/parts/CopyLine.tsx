// A line to type, with a button that copies it.
import { ActionIcon } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { Check, Copy } from 'lucide-react';
import { text } from '../text.ts';
import s from './CopyLine.module.css';

export function CopyLine({ line }: { line: string }) {
  const clipboard = useClipboard({ timeout: 2000 });
  const label = clipboard.copied ? text.copied : text.copy;
  return (
    <span className={s.line}>
      <code className={s.code}>{line}</code>
      {/* Without HTTPS (other than on this machine) browsers offer no clipboard. */}
      {window.isSecureContext && (
        <ActionIcon
          variant="subtle"
          color="gray"
          size="md"
          aria-label={label}
          title={label}
          onClick={() => clipboard.copy(line)}
        >
          {clipboard.copied ? <Check size={15} /> : <Copy size={15} />}
        </ActionIcon>
      )}
    </span>
  );
}
