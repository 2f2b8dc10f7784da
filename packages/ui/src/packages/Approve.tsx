// Lets a package run: shows first exactly what will.
import type { AgentPackage } from '@opmas/protocol';
import { packagesApi } from '../api/packages.ts';
import { useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { visible } from '../lib/visible.ts';
import { Dialog } from '../parts/Dialog.tsx';
import { Form } from '../parts/Form.tsx';
import { packagesText } from '../text/packages.ts';
import { PackageFacts } from './PackageFacts.tsx';
import s from './Packages.module.css';

const words = packagesText.detail;

interface Actions {
  onClose: () => void;
  onApproved: () => void;
}

export function Approve(
  props: Actions & {
    /** As it was when the question was asked: what is shown is what is approved. Absent: nothing is asked. */
    found: AgentPackage | undefined;
  },
) {
  const { found, onClose } = props;
  return (
    <Dialog
      title={found ? words.approveTitle(visible(found.name)) : ''}
      isOpen={found !== undefined}
      onClose={onClose}
      size="lg"
    >
      {found && <Ask {...props} found={found} />}
    </Dialog>
  );
}

function Ask({ found, onClose, onApproved }: Actions & { found: AgentPackage }) {
  const decisions = packagesApi(useServices().api);
  const approve = useChange(decisions.approve, [keys.packages, keys.agents], onApproved);
  const doubt = doubtOf(found);
  return (
    <Form
      submit={words.approve}
      isPending={approve.isPending}
      error={approve.error}
      onCancel={onClose}
      onSubmit={() => approve.mutate(found)}
    >
      <span>{words.approveEffect}</span>
      <PackageFacts found={found} />
      {doubt && <p className={s.note}>{doubt}</p>}
    </Form>
  );
}

function doubtOf({ signature }: AgentPackage): string | undefined {
  if (!signature) return words.approveUnsigned;
  return signature.publisher === null ? words.approveUnknown : undefined;
}
