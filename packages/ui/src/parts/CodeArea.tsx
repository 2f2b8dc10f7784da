// A field for JSON: a textarea with the numbers of its lines, those with a fault marked. Tab leaves it, as any field.
import { forwardRef, useImperativeHandle, useMemo, useRef } from 'react';
import { lineRange } from '../lib/json-text.ts';
import s from './CodeArea.module.css';

export interface CodeAreaHandle {
  /** Puts the cursor on a line and shows it. */
  toLine: (line: number) => void;
}

export const CodeArea = forwardRef<
  CodeAreaHandle,
  {
    /** For a screen reader, where no label stands above it. */
    label?: string;
    id?: string;
    value: string;
    onChange: (text: string) => void;
    /** Lines with a fault. */
    marked: ReadonlySet<number>;
    describedBy?: string;
    minLines?: number;
    maxChars: number;
    /** It is being sent: what is typed meanwhile would be lost. */
    isFixed?: boolean;
  }
>(function CodeArea(props, ref) {
  const { value, marked, minLines = 12 } = props;
  const area = useRef<HTMLTextAreaElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const count = useMemo(() => value.split('\n').length, [value]);
  useImperativeHandle(ref, () => ({
    toLine: (line) => {
      const field = area.current;
      const frame = box.current;
      if (!field || !frame) return;
      const { start, end } = lineRange(value, line);
      field.focus({ preventScroll: true });
      field.setSelectionRange(start, end);
      const height = field.scrollHeight / Math.max(count, minLines);
      frame.scrollTop = Math.max(0, (line - 3) * height);
      frame.scrollIntoView({ block: 'nearest' });
    },
  }));
  return (
    <div ref={box} className={s.box} data-bad={marked.size > 0 ? '' : undefined}>
      <div className={s.lines} aria-hidden>
        <Numbers count={count} marked={marked} />
      </div>
      <textarea
        ref={area}
        className={s.text}
        id={props.id}
        aria-label={props.label}
        aria-describedby={props.describedBy}
        aria-invalid={marked.size > 0}
        value={value}
        rows={Math.max(count, minLines)}
        maxLength={props.maxChars}
        readOnly={props.isFixed === true}
        wrap="off"
        spellCheck={false}
        autoComplete="off"
        autoCapitalize="none"
        autoCorrect="off"
        onChange={(event) => props.onChange(event.currentTarget.value)}
      />
    </div>
  );
});

/** As few pieces as there are marks: a document may have thousands of lines. */
function Numbers({ count, marked }: { count: number; marked: ReadonlySet<number> }) {
  return useMemo(() => {
    const pieces = [];
    let from = 1;
    const plain = (to: number) => {
      if (to < from) return;
      const numbers = Array.from({ length: to - from + 1 }, (_, index) => `${from + index}\n`);
      pieces.push(<span key={from}>{numbers.join('')}</span>);
    };
    for (const line of [...marked].filter((each) => each <= count).toSorted((a, b) => a - b)) {
      plain(line - 1);
      pieces.push(<b key={`bad ${line}`}>{line}</b>);
      from = line + 1;
    }
    plain(count);
    return pieces;
  }, [count, marked]);
}
