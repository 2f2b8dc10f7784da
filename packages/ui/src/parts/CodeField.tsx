// A field for JSON with its label above it, and below it where the text breaks or what else is wrong.
import { Input, UnstyledButton } from '@mantine/core';
import { type ReactNode, useId, useRef } from 'react';
import type { JsonReading } from '../lib/json-text.ts';
import { jsonText } from '../text/json.ts';
import { CodeArea, type CodeAreaHandle } from './CodeArea.tsx';
import s from './CodeField.module.css';

export function CodeField(props: {
  label: string;
  description?: ReactNode;
  value: string;
  onChange: (text: string) => void;
  /** How the text reads; undefined: it is not read as JSON, or not yet. */
  reading: JsonReading<object> | undefined;
  /** Lines with a fault beside the one where it breaks. */
  marked?: ReadonlySet<number>;
  error?: string | undefined;
  /** Says what is wrong in place of the field itself. */
  below?: (toLine: (line: number) => void) => ReactNode;
  minLines?: number;
  maxChars: number;
  /** It is being sent: what is typed meanwhile would be lost. */
  isFixed?: boolean;
}) {
  const { reading, error, description } = props;
  const id = useId();
  const area = useRef<CodeAreaHandle>(null);
  const broken = reading?.ok === false ? reading : undefined;
  const marked = broken ? new Set([broken.line]) : (props.marked ?? NONE);
  const toLine = (line: number) => area.current?.toLine(line);
  const [about, fault] = [`${id}-about`, `${id}-fault`];
  return (
    <div className={s.field}>
      <Input.Label htmlFor={id}>{props.label}</Input.Label>
      {description && <Input.Description id={about}>{description}</Input.Description>}
      <CodeArea
        ref={area}
        id={id}
        value={props.value}
        onChange={props.onChange}
        marked={marked}
        describedBy={[description && about, !props.below && fault].filter(Boolean).join(' ')}
        {...(props.minLines === undefined ? {} : { minLines: props.minLines })}
        maxChars={props.maxChars}
        isFixed={props.isFixed === true}
      />
      {props.below?.(toLine)}
      {!props.below && (
        <div id={fault} role="status" className={s.faults}>
          {broken && (
            <span>
              {jsonText.broken(broken.line, broken.column, broken.message)}{' '}
              <ToLine line={broken.line} onLine={toLine} />
            </span>
          )}
          {error && <span>{error}</span>}
          {!broken && marked.size > 0 && (
            <span>
              {[...marked]
                .toSorted((a, b) => a - b)
                .slice(0, LINES_NAMED)
                .map((line) => (
                  <ToLine key={line} line={line} onLine={toLine} />
                ))}
            </span>
          )}
        </div>
      )}
    </div>
  );
}

const NONE: ReadonlySet<number> = new Set();
const LINES_NAMED = 20;

/** A button that leads to a line with a fault. */
export function ToLine(props: { line: number; onLine: (line: number) => void }) {
  const { line, onLine } = props;
  return (
    <UnstyledButton
      className={s.toLine}
      aria-label={jsonText.toLine(line)}
      onClick={() => onLine(line)}
    >
      {jsonText.line(line)}
    </UnstyledButton>
  );
}
