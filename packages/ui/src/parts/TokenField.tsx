// A list of words, typed or chosen one after the other; each can be taken away again.
import { ActionIcon, Button, TextInput } from '@mantine/core';
import { X } from 'lucide-react';
import { useId, useState } from 'react';
import { visible } from '../lib/visible.ts';
import { text } from '../text.ts';
import s from './TokenField.module.css';

export interface Suggestion {
  value: string;
  /** What people know it by, when that is something else. */
  label?: string;
}

export function TokenField(props: {
  label: string;
  description?: string;
  words: readonly string[];
  suggestions?: readonly Suggestion[];
  onChange: (words: string[]) => void;
  maxChars?: number;
}) {
  const { words, suggestions = [], onChange } = props;
  const [typed, setTyped] = useState('');
  const list = useId();
  const labels = new Map(suggestions.map(({ value, label }) => [value, label]));

  function add(): void {
    const word = typed.trim();
    setTyped('');
    if (word && !words.includes(word)) onChange([...words, word]);
  }

  return (
    <div className={s.field}>
      <div className={s.entry}>
        <TextInput
          className={s.input ?? ''}
          label={props.label}
          description={props.description}
          value={typed}
          list={list}
          maxLength={props.maxChars ?? 128}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => setTyped(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter') return;
            // Enter adds the word instead of sending the form around it.
            event.preventDefault();
            add();
          }}
          onBlur={add}
        />
        <Button variant="default" onClick={add} disabled={typed.trim() === ''}>
          {text.add}
        </Button>
        <datalist id={list}>
          {suggestions
            .filter(({ value }) => !words.includes(value))
            .map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
        </datalist>
      </div>
      {words.length > 0 && (
        <ul className={s.words} aria-label={props.label}>
          {words.map((word) => (
            <li key={word} className={s.word} title={labels.get(word) ? word : undefined}>
              {visible(labels.get(word) ?? word)}
              <ActionIcon
                variant="subtle"
                color="gray"
                size="sm"
                aria-label={text.takeAway(visible(labels.get(word) ?? word))}
                onClick={() => onChange(words.filter((other) => other !== word))}
              >
                <X size={13} aria-hidden />
              </ActionIcon>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
