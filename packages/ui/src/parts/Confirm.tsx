// Asks before something that cannot be undone: names the thing and the effect, and for the worst asks to type the name.
import { TextInput } from '@mantine/core';
import { useState } from 'react';
import { visible } from '../lib/visible.ts';
import { text } from '../text.ts';
import { Dialog } from './Dialog.tsx';
import { Form } from './Form.tsx';

export interface Question {
  title: string;
  /** What will happen. */
  effect: string;
  submit: string;
  /** Nothing is lost by it: the button does not warn. */
  isMild?: boolean;
  /** To be typed before the button works. */
  typed?: string;
  act: () => Promise<unknown>;
}

/** Shown while there is a question; `onDone` hears whether it was done. */
export function Confirm(props: {
  question: Question | undefined;
  onDone: (done: boolean) => void;
}) {
  const { question, onDone } = props;
  return (
    <Dialog
      title={visible(question?.title ?? '')}
      isOpen={question !== undefined}
      onClose={() => onDone(false)}
    >
      {question && <Ask key={question.title} question={question} onDone={onDone} />}
    </Dialog>
  );
}

function Ask({ question, onDone }: { question: Question; onDone: (done: boolean) => void }) {
  const { typed, act } = question;
  const [said, setSaid] = useState('');
  const [error, setError] = useState<unknown>(null);
  const [isPending, setPending] = useState(false);

  async function run(): Promise<void> {
    setPending(true);
    setError(null);
    try {
      await act();
      onDone(true);
    } catch (failure) {
      setError(failure);
      setPending(false);
    }
  }

  return (
    <Form
      submit={question.submit}
      onSubmit={() => void run()}
      isPending={isPending}
      error={error}
      canSubmit={typed === undefined || said === typed}
      isDangerous={question.isMild !== true}
      onCancel={() => onDone(false)}
    >
      <span>{visible(question.effect)}</span>
      {typed !== undefined && (
        <TextInput
          label={text.confirm.type(visible(typed))}
          value={said}
          onChange={(event) => setSaid(event.currentTarget.value)}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          data-autofocus
        />
      )}
    </Form>
  );
}
