// The first fields of what people make and name: its name, which stays, and what it is for.
import { TextInput } from '@mantine/core';
import { refusalOf } from '../lib/form.ts';

const NAME_CHARS = 64;
const DESCRIPTION_CHARS = 512;

export function NameFields(props: {
  /** Absent: it has a name, which does not change. */
  name?: { label: string; help: string; pattern: string };
  /** What the last try met. */
  error: unknown;
  describe: string;
  description: string | undefined;
}) {
  const { name, error } = props;
  return (
    <>
      {name && (
        <TextInput
          label={name.label}
          description={name.help}
          name="name"
          pattern={name.pattern}
          error={refusalOf(error, 'name')}
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          maxLength={NAME_CHARS}
          required
          withAsterisk={false}
          data-autofocus
        />
      )}
      <TextInput
        label={props.describe}
        name="description"
        defaultValue={props.description ?? ''}
        error={refusalOf(error, 'description')}
        maxLength={DESCRIPTION_CHARS}
        autoComplete="off"
      />
    </>
  );
}
