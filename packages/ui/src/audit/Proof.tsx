// Verifies that nobody changed the log, and hands it out as a file.
import { Button } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Download, ShieldCheck } from 'lucide-react';
import { useState } from 'react';
import { auditApi } from '../api/audit.ts';
import { useServices } from '../data/services.ts';
import { saveAs } from '../lib/save.ts';
import { clockTime } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { auditText } from '../text/audit.ts';
import s from './Audit.module.css';
import { type AuditFilter, auditQuery } from './filter.ts';

export function Proof({ filter }: { filter: AuditFilter }) {
  const audit = auditApi(useServices().api);
  const [part, setPart] = useState(0);
  const verify = useMutation({
    mutationFn: async () => {
      setPart(0);
      const proof = await audit.verify(setPart);
      return { ...proof, at: Date.now() };
    },
  });
  const save = useMutation({
    mutationFn: async () => {
      const { from, to } = auditQuery(filter);
      const content = await audit.export({ from, to });
      saveAs(`opmas-audit-${new Date().toISOString().slice(0, 10)}.ndjson`, content);
    },
  });
  const proof = verify.data;
  return (
    <>
      <div className={s.buttons}>
        <Button
          variant="default"
          size="sm"
          leftSection={<ShieldCheck size={16} aria-hidden />}
          loading={verify.isPending}
          onClick={() => verify.mutate()}
        >
          {auditText.verify}
        </Button>
        <Button
          variant="default"
          size="sm"
          leftSection={<Download size={16} aria-hidden />}
          loading={save.isPending}
          onClick={() => save.mutate()}
        >
          {auditText.export}
        </Button>
      </div>
      <div className={s.result}>
        <Notice
          said={
            verify.isPending
              ? auditText.verifying(Math.floor(part * 100))
              : proof && !proof.fault
                ? auditText.good(proof.walked, clockTime(proof.at))
                : undefined
          }
        />
        {proof?.fault && !verify.isPending && (
          <Fault error={new Error(auditText.bad(proof.fault.seq, visible(proof.fault.message)))} />
        )}
        {verify.error && <Fault error={verify.error} />}
        {save.error && <Fault error={save.error} />}
      </div>
    </>
  );
}
