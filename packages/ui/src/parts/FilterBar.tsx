// The text filter of a list with its other filters beside it. The key `/` leads to it.
import { Button, TextInput } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { Search, X } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import { limits } from '../limits.ts';
import { text } from '../text.ts';
import s from './FilterBar.module.css';

const TYPING_MS = 200;

export function FilterBar(props: {
  label: string;
  placeholder: string;
  q: string;
  onText: (q: string) => void;
  onClear?: (() => void) | undefined;
  children: ReactNode;
}) {
  const { onClear } = props;
  const input = useRef<HTMLInputElement>(null);
  useHotkeys([['/', () => input.current?.focus()]]);
  const [typed, setTyped] = useTyped(props.q, props.onText);
  return (
    <div className={s.bar}>
      <TextInput
        ref={input}
        className={s.text}
        type="search"
        aria-label={props.label}
        placeholder={props.placeholder}
        leftSection={<Search size={15} aria-hidden />}
        maxLength={limits.filterChars}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
      />
      {props.children}
      {onClear && (
        <Button
          variant="subtle"
          size="compact-md"
          leftSection={<X size={14} aria-hidden />}
          onClick={() => {
            // Also what was typed a moment ago and not handed on yet.
            setTyped('');
            onClear();
          }}
        >
          {text.clear}
        </Button>
      )}
    </div>
  );
}

/** The filters of a list that is not searched by text. */
export function FilterRow({ children }: { children: ReactNode }) {
  return <div className={s.bar}>{children}</div>;
}

/** The typed text at once, handed on when the typing rests; a change of the address shows here too. */
function useTyped(q: string, onText: (q: string) => void) {
  const [typed, setTyped] = useState(q);
  const sent = useRef(q);
  const hand = useRef(onText);
  hand.current = onText;
  useEffect(() => {
    if (q === sent.current) return;
    sent.current = q;
    setTyped(q);
  }, [q]);
  useEffect(() => {
    if (typed === sent.current) return;
    const timer = setTimeout(() => {
      sent.current = typed;
      hand.current(typed);
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  return [typed, setTyped] as const;
}
