// One package whole; who may decide does so here, seeing what will run.
import { Button } from '@mantine/core';
import type { AgentPackage } from '@opmas/protocol';
import { useState } from 'react';
import { packagesApi } from '../api/packages.ts';
import { useChange } from '../data/access.ts';
import { keys } from '../data/keys.ts';
import { useServices } from '../data/services.ts';
import { visible } from '../lib/visible.ts';
import { Confirm, type Question } from '../parts/Confirm.tsx';
import { Faults } from '../parts/Faults.tsx';
import { Sheet } from '../parts/Sheet.tsx';
import { packagesText } from '../text/packages.ts';
import { Approve } from './Approve.tsx';
import { PackageFacts } from './PackageFacts.tsx';
import s from './Packages.module.css';

const words = packagesText.detail;

export function PackageSheet(props: {
  found: AgentPackage | undefined;
  isOpen: boolean;
  onClose: () => void;
  mayApprove: boolean;
  onDecided: (done: string) => void;
}) {
  const { found } = props;
  return (
    <Sheet title={words.title} isOpen={props.isOpen} onClose={props.onClose}>
      {found ? (
        <div className={s.sheet}>
          <PackageFacts found={found} />
          {found.approved_digest !== null && found.approved_digest !== found.digest && (
            <p className={s.note}>{words.changed}</p>
          )}
          {found.errors.length > 0 && (
            <>
              <h3 className={s.heading}>{words.faults}</h3>
              <Faults faults={found.errors} />
            </>
          )}
          {found.warnings.length > 0 && (
            <>
              <h3 className={s.heading}>{words.warnings}</h3>
              <Faults faults={found.warnings} />
            </>
          )}
          {props.mayApprove && <Decide found={found} onDecided={props.onDecided} />}
        </div>
      ) : (
        <p className="muted">{words.gone}</p>
      )}
    </Sheet>
  );
}

/** What waits can be approved or rejected, what is ignored approved after all. */
function Decide({ found, onDecided }: { found: AgentPackage; onDecided: (done: string) => void }) {
  const decisions = packagesApi(useServices().api);
  const [approving, setApproving] = useState<AgentPackage>();
  const [question, setQuestion] = useState<Question>();
  const { name } = found;
  const shown = visible(name);
  const reject = useChange(decisions.reject, [keys.packages], () =>
    onDecided(words.rejected(shown)),
  );
  if (found.state !== 'waiting' && found.state !== 'ignored') return null;
  return (
    <div className={s.buttons}>
      <Button size="sm" onClick={() => setApproving(found)}>
        {words.approve}
      </Button>
      {found.state === 'waiting' && (
        <Button
          size="sm"
          variant="default"
          onClick={() =>
            setQuestion({
              title: words.rejectTitle(shown),
              effect: words.rejectEffect,
              submit: words.reject,
              act: () => reject.mutateAsync(name),
            })
          }
        >
          {words.reject}
        </Button>
      )}
      <Confirm question={question} onDone={() => setQuestion(undefined)} />
      <Approve
        found={approving}
        onClose={() => setApproving(undefined)}
        onApproved={() => onDecided(words.approved(shown))}
      />
    </div>
  );
}
