// Asks why before something is done that stays on record.
import { useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { field } from '../lib/form.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { Reason } from './Publish.tsx';

export interface ReasonQuestion {
  title: string;
  /** What will happen. */
  effect: string;
  submit: string;
  act: (reason: string) => Promise<unknown>;
  /** What is said afterwards. */
  done: string;
}

export function ReasonDialog(props: {
  question: ReasonQuestion | undefined;
  onClose: () => void;
  onDone: (said: string) => void;
}) {
  const { question, onClose, onDone } = props;
  return (
    <Dialog title={question?.title ?? ''} isOpen={question !== undefined} onClose={onClose}>
      {question && (
        <Ask key={question.title} question={question} onClose={onClose} onDone={onDone} />
      )}
    </Dialog>
  );
}

function Ask(props: {
  question: ReasonQuestion;
  onClose: () => void;
  onDone: (said: string) => void;
}) {
  const { question } = props;
  const change = useChange(question.act, [keys.configs], () => props.onDone(question.done));
  return (
    <Form
      submit={question.submit}
      isPending={change.isPending}
      error={change.error}
      onCancel={props.onClose}
      onSubmit={(form) => change.mutate(field(form, 'reason').trim())}
    >
      <span>{question.effect}</span>
      <Reason />
    </Form>
  );
}
