// Something secret that is shown this once: to copy or save now, never again.
import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { Check, Copy, Download, TriangleAlert } from 'lucide-react';
import { saveAs } from '../lib/save.ts';
import { text } from '../text.ts';
import s from './Once.module.css';

export function Once(props: {
  /** Why it matters that it is kept. */
  note: string;
  label: string;
  lines: readonly string[];
  /** Offers a file of this name. */
  file?: string;
}) {
  const { lines, file } = props;
  const clipboard = useClipboard({ timeout: 2000 });
  const whole = lines.join('\n');
  return (
    <div className={s.once}>
      <p className={s.note}>
        <TriangleAlert size={16} aria-hidden />
        {props.note}
      </p>
      <ul
        className={s.lines}
        aria-label={props.label}
        data-many={lines.length > 1 ? '' : undefined}
      >
        {lines.map((line) => (
          <li key={line}>
            <code>{line}</code>
          </li>
        ))}
      </ul>
      <div className={s.buttons}>
        {/* Without HTTPS (other than on this machine) browsers offer no clipboard. */}
        {window.isSecureContext && (
          <Button
            variant="default"
            size="xs"
            leftSection={clipboard.copied ? <Check size={14} /> : <Copy size={14} />}
            onClick={() => clipboard.copy(whole)}
          >
            {clipboard.copied ? text.copied : text.copy}
          </Button>
        )}
        {file && (
          <Button
            variant="default"
            size="xs"
            leftSection={<Download size={14} />}
            onClick={() => saveAs(file, new Blob([`${whole}\n`], { type: 'text/plain' }))}
          >
            {text.download}
          </Button>
        )}
      </div>
    </div>
  );
}
