// What is wrong with a package, with the line it is on.
import type { PackageFault } from '@opmas/protocol';
import { visible } from '../lib/visible.ts';
import { text } from '../text.ts';
import s from './Faults.module.css';

export function Faults({ faults }: { faults: readonly PackageFault[] }) {
  return (
    <ul className={s.faults}>
      {faults.map((fault) => (
        <li key={`${fault.line} ${fault.code} ${fault.message}`}>
          {fault.line !== undefined && (
            <span className={s.line}>{text.packages.line(fault.line)}</span>
          )}
          {visible(fault.message)}
        </li>
      ))}
    </ul>
  );
}
