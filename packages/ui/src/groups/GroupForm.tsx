// Makes or changes a group, and shows whom its selector reaches while it is typed.
import { TextInput } from '@mantine/core';
import { readSelector } from '@opmas/protocol';
import { useDeferredValue, useMemo, useState } from 'react';
import type { Group, GroupTrial } from '../api/groups.ts';
import { ApiError } from '../api/http.ts';
import { useChange } from '../data/access.ts';
import { useConfigs } from '../data/configs.ts';
import { keys } from '../data/keys.ts';
import { useAgents } from '../data/queries.ts';
import { field, refusalOf } from '../lib/form.ts';
import { visible } from '../lib/visible.ts';
import { limits } from '../limits.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { NameFields } from '../parts/NameFields.tsx';
import { groupsText } from '../text/groups.ts';
import { useGroupCheck } from './check.ts';
import { Effect } from './Effect.tsx';
import { Preview } from './Preview.tsx';
import { reachOf } from './reach.ts';
import { Theirs } from './Theirs.tsx';

const words = groupsText.form;

interface Actions {
  onClose: () => void;
  onSaved: (said: string) => void;
}

export function GroupForm(
  props: Actions & {
    /** `null`: a new one; `undefined`: none, closed. */
    group: Group | null | undefined;
  },
) {
  const { group, onClose } = props;
  return (
    <Dialog
      title={group ? words.title(visible(group.name)) : words.newTitle}
      isOpen={group !== undefined}
      onClose={onClose}
      size="lg"
    >
      {group !== undefined && <Fields {...props} group={group} />}
    </Dialog>
  );
}

function Fields({ group, onClose, onSaved }: Actions & { group: Group | null }) {
  const configs = useConfigs();
  const agents = useAgents();
  const [selector, setSelector] = useState(group?.selector ?? '');
  const [priority, setPriority] = useState(String(group?.priority ?? 0));
  /** What the input was made from; another one once somebody else's change was looked at. */
  const [base, setBase] = useState(group);
  const [theirs, setTheirs] = useState<Group>();
  const shown = useDeferredValue(selector);
  const reach = useMemo(() => reachOf(shown, agents.data ?? []), [shown, agents.data]);
  const before = useMemo(
    () => reachOf(group?.selector ?? '', agents.data ?? []),
    [group?.selector, agents.data],
  );
  const save = useChange(
    async (form: FormData) => {
      const input = {
        description: field(form, 'description').trim(),
        selector: field(form, 'selector').trim(),
        priority: Number(priority || '0'),
      };
      if (!base) return configs.addGroup({ name: field(form, 'name').trim(), ...input });
      try {
        return await configs.changeGroup(base.name, base.version, input);
      } catch (error) {
        if (!(error instanceof ApiError) || error.status !== 412) throw error;
        const now = await configs.group(base.name);
        setTheirs(now);
        setBase(now);
        return undefined;
      }
    },
    [keys.groups, keys.configs],
    (done) => done && onSaved(groupsText.saved(visible(done.name), done.changed)),
  );
  const check = useGroupCheck(trialOf(group, selector, priority));
  const unreadable =
    !reach.ok && shown.trim() !== '' ? words.unreadable(reach.message, reach.at) : undefined;
  return (
    <Form
      submit={words.submit}
      isPending={save.isPending}
      error={save.error}
      canSubmit={shown === selector && reach.ok && check.answer?.valid !== false}
      onCancel={onClose}
      onSubmit={(form) => save.mutate(form)}
    >
      {theirs && <Theirs group={theirs} />}
      <NameFields
        {...(group
          ? {}
          : {
              name: {
                label: words.name,
                help: words.nameHelp,
                pattern: '[A-Za-z0-9][A-Za-z0-9_\\-]{0,63}',
              },
            })}
        error={save.error}
        describe={words.description}
        description={group?.description}
      />
      <TextInput
        label={words.selector}
        description={words.selectorHelp}
        name="selector"
        value={selector}
        onChange={(event) => setSelector(event.currentTarget.value)}
        error={unreadable ?? refusalOf(save.error, 'selector')}
        maxLength={limits.selectorChars}
        autoComplete="off"
        autoCapitalize="none"
        spellCheck={false}
        required
        withAsterisk={false}
      />
      <TextInput
        label={words.priority}
        description={words.priorityHelp}
        type="number"
        min={-1_000_000}
        max={1_000_000}
        step={1}
        value={priority}
        onChange={(event) => setPriority(event.currentTarget.value)}
        error={refusalOf(save.error, 'priority')}
      />
      <Preview reach={reach} before={group ? before : undefined} agents={agents} />
      <Effect check={check} />
    </Form>
  );
}

/** What the server is asked about; undefined while nothing of it is changed, or it cannot be read. */
function trialOf(group: Group | null, selector: string, typed: string): GroupTrial | undefined {
  const priority = Number(typed || '0');
  const isSame = group?.selector === selector.trim() && group.priority === priority;
  if (isSame || !readSelector(selector).ok || !Number.isInteger(priority)) return undefined;
  return {
    selector: selector.trim(),
    // A new group has no layer yet: only whom it chooses is asked.
    ...(group ? { name: group.name, priority } : {}),
  };
}
