// Tells a screen reader, politely, of critical findings; every other change stays silent.
import { VisuallyHidden } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useServices } from '../data/services.ts';
import { text } from '../text.ts';

export function Announcer() {
  const { live } = useServices();
  const [said, setSaid] = useState('');
  useEffect(
    () =>
      live.onFindings((findings) => {
        const critical = findings.filter((finding) => finding.severity === 'critical');
        const last = critical.at(-1);
        if (last) setSaid(text.findings.announce(critical.length, last.description));
      }),
    [live],
  );
  return (
    <VisuallyHidden aria-live="polite" aria-atomic="true">
      {said}
    </VisuallyHidden>
  );
}
