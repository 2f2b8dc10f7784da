// Instead of at once: takes what is about to be published, with its reason, along to a rollout in waves.
import { Button } from '@mantine/core';
import type { LayerHead, Where } from '../api/configs.ts';
import { useMe } from '../data/me.ts';
import { mayRollOut } from '../jobs/model.ts';
import { scopeOf, useToRollout } from '../jobs/rollout-draft.ts';
import { field } from '../lib/form.ts';

/** Stands in a form with the field `reason`. Offered for layers that can be rolled out, to who may. */
export function InWaves(props: {
  where: Where;
  label: string;
  /** A new version, and the one it was made from … */
  begun?: { text: string; base: LayerHead };
  /** … or an old version that shall hold again. */
  back?: number;
}) {
  const scope = scopeOf(props.where);
  const isAllowed = mayRollOut(useMe());
  const toRollout = useToRollout();
  if (scope === undefined || !isAllowed) return null;
  return (
    <Button
      variant="default"
      onClick={({ currentTarget: { form } }) => {
        const reason = form ? field(new FormData(form), 'reason').trim() : '';
        toRollout(scope, { reason, begun: props.begun, back: props.back });
      }}
    >
      {props.label}
    </Button>
  );
}
