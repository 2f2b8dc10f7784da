// The filters of the audit log, in its address.
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { ListFilter, X } from 'lucide-react';
import { useEffect, useId, useRef, useState } from 'react';
import { chosen } from '../lib/search.ts';
import { limits } from '../limits.ts';
import { auditText } from '../text/audit.ts';
import { text } from '../text.ts';
import s from './Audit.module.css';
import { type AuditFilter, OUTCOMES, readAuditSearch } from './filter.ts';

const words = auditText.filter;
const TYPING_MS = 250;

export function Filters(props: { filter: AuditFilter; onChange: (next: AuditFilter) => void }) {
  const { filter, onChange } = props;
  // What is being typed stays as it is; the address follows when the typing rests.
  const [typed, setTyped] = useState(filter);
  const [isOpen, setOpen] = useState(false);
  const id = useId();
  const inAddress = JSON.stringify(filter);
  /** What the address shall say: when it does, more may have been typed already. */
  const sent = useRef(inAddress);
  const hand = useDebouncedCallback(
    (next: AuditFilter) => {
      const read = readAuditSearch({ ...next });
      sent.current = JSON.stringify(read);
      onChange(read);
    },
    { delay: TYPING_MS },
  );
  useEffect(() => {
    if (inAddress === sent.current) return;
    sent.current = inAddress;
    setTyped(JSON.parse(inAddress) as AuditFilter);
  }, [inAddress]);
  const set = (name: keyof AuditFilter, value: string) => {
    const next = { ...typed, [name]: value };
    setTyped(next);
    hand(next);
  };
  const field = (name: 'actor' | 'action' | 'object') => (
    <TextInput
      label={words[name]}
      placeholder={words.hints[name]}
      value={typed[name] ?? ''}
      maxLength={limits.filterChars}
      autoComplete="off"
      autoCapitalize="none"
      spellCheck={false}
      onChange={(event) => set(name, event.currentTarget.value)}
    />
  );
  const time = (name: 'from' | 'to') => (
    <TextInput
      className={s.moment ?? ''}
      type="datetime-local"
      label={words[name]}
      value={typed[name] ?? ''}
      onChange={(event) => set(name, event.currentTarget.value)}
    />
  );
  const isFiltered = Object.keys(filter).length > 0;
  return (
    <>
      {/* On a narrow page the entries come first; the filters when they are asked for. */}
      <Button
        variant="default"
        size="xs"
        className={s.more ?? ''}
        leftSection={<ListFilter size={14} aria-hidden />}
        aria-expanded={isOpen || isFiltered}
        aria-controls={id}
        onClick={() => setOpen(!isOpen)}
      >
        {words.show}
      </Button>
      <div id={id} className={s.filters} data-open={isOpen || isFiltered ? '' : undefined}>
        {field('actor')}
        {field('action')}
        {field('object')}
        <NativeSelect
          label={words.outcome}
          value={typed.outcome ?? ''}
          onChange={(event) => {
            const { outcome: _before, ...rest } = typed;
            const outcome = chosen(event.currentTarget.value, OUTCOMES)[0];
            onChange(outcome ? { ...rest, outcome } : rest);
          }}
          data={[
            { value: '', label: words.all },
            ...OUTCOMES.map((value) => ({ value, label: auditText.outcomes[value] })),
          ]}
        />
        {time('from')}
        {time('to')}
        {isFiltered && (
          <Button
            variant="subtle"
            size="compact-md"
            className={s.clear ?? ''}
            leftSection={<X size={14} aria-hidden />}
            onClick={() => onChange({})}
          >
            {text.clear}
          </Button>
        )}
      </div>
    </>
  );
}
