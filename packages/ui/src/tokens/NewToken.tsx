// Makes a token and shows it once.
import { Button, Checkbox, NativeSelect, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { TokenRow, NewToken as Wanted } from '../api/resources.ts';
import { useAccess, useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { useAgents } from '../data/queries.ts';
import { field } from '../lib/form.ts';
import { CopyLine } from '../parts/CopyLine.tsx';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { Once } from '../parts/Once.tsx';
import { RoleChoice } from '../parts/RoleChoice.tsx';
import { TokenField } from '../parts/TokenField.tsx';
import { tokensText } from '../text/tokens.ts';
import { text } from '../text.ts';
import { KINDS } from './state.ts';

const words = tokensText.adding;
type Kind = TokenRow['kind'];

const FIRST_LIFE: Readonly<Record<Kind, string>> = { api: '7776000', enrollment: '86400' };

export function NewToken(props: { isOpen: boolean; onClose: () => void }) {
  const [made, setMade] = useState<TokenRow & { token: string }>();
  const close = () => {
    setMade(undefined);
    props.onClose();
  };
  return (
    // Closing by accident would lose the token.
    <Dialog title={words.title} isOpen={props.isOpen} onClose={made ? undefined : close}>
      {made ? <Made made={made} onDone={close} /> : <Fields onMade={setMade} onClose={close} />}
    </Dialog>
  );
}

function Made({ made, onDone }: { made: TokenRow & { token: string }; onDone: () => void }) {
  const isApi = made.kind === 'api';
  return (
    <>
      <Once label={words.label} note={words.note} lines={[made.token]} />
      <div>
        <p className="muted">{isApi ? words.useApi : words.useEnrollment}</p>
        <CopyLine line={isApi ? words.useApiLine : words.useEnrollmentLine} />
      </div>
      <div>
        <Button onClick={onDone}>{text.done}</Button>
      </div>
    </>
  );
}

function Fields(props: {
  onMade: (made: TokenRow & { token: string }) => void;
  onClose: () => void;
}) {
  const access = useAccess();
  const types = [...new Set((useAgents().data ?? []).map(({ type }) => type))].sort();
  const [kind, setKind] = useState<Kind>('api');
  const [roles, setRoles] = useState<string[]>([]);
  const [tags, setTags] = useState<string[]>([]);
  const add = useChange(access.addToken, [keys.tokens], props.onMade);

  function submit(form: FormData): void {
    const type = field(form, 'agent_type').trim();
    const wanted: Wanted = {
      kind,
      name: field(form, 'name').trim(),
      expires_in: Number(field(form, 'expires_in')),
      ...(kind === 'api'
        ? { roles }
        : {
            max_uses: Number(field(form, 'max_uses')),
            replace: form.has('replace'),
            ...(type ? { agent_type: type } : {}),
            ...(tags.length > 0 ? { tags } : {}),
          }),
    };
    add.mutate(wanted);
  }

  return (
    <Form
      submit={words.submit}
      isPending={add.isPending}
      error={add.error}
      canSubmit={kind !== 'api' || roles.length > 0}
      onCancel={props.onClose}
      onSubmit={submit}
    >
      <NativeSelect
        label={words.kind}
        value={kind}
        onChange={(event) =>
          setKind(event.currentTarget.value === 'enrollment' ? 'enrollment' : 'api')
        }
        data={KINDS.map((value) => ({ value, label: words.kinds[value] }))}
      />
      <TextInput
        label={words.name}
        description={words.nameHelp}
        name="name"
        maxLength={128}
        autoComplete="off"
        required
        withAsterisk={false}
        data-autofocus
      />
      <NativeSelect
        // The first choice differs with the kind.
        key={kind}
        label={words.life}
        name="expires_in"
        defaultValue={FIRST_LIFE[kind]}
        data={Object.entries(words.lives).map(([value, label]) => ({ value, label }))}
      />
      {kind === 'api' && <RoleChoice label={words.roles} chosen={roles} onChange={setRoles} />}
      {kind === 'enrollment' && (
        <>
          <TextInput
            label={words.uses}
            name="max_uses"
            type="number"
            min={1}
            max={100_000}
            defaultValue="1"
            required
            withAsterisk={false}
          />
          <TextInput
            label={words.type}
            description={words.optional}
            name="agent_type"
            list="token-types"
            maxLength={64}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
          />
          <datalist id="token-types">
            {types.map((type) => (
              <option key={type} value={type} />
            ))}
          </datalist>
          <TokenField label={words.tags} words={tags} onChange={setTags} maxChars={64} />
          <Checkbox name="replace" label={words.replace} />
        </>
      )}
    </Form>
  );
}
