/** Messages whose payload names somebody else than their subject: dropped, counted, and on record. */
import type { Refusals } from '../../features/audit/index.ts';
import type { Logger } from '../../kernel/logger.ts';

export interface Impostors {
  /**
   * @param kind of message: heartbeat, status, metrics, log, finding, host, launch, collector
   * @param claimed whom the payload names
   */
  note(kind: string, subject: string, claimed: string): void;
}

export function createImpostors(options: {
  refusals: Pick<Refusals, 'note'>;
  onInvalid: (kind: string) => void;
  logger: Logger;
}): Impostors {
  const { refusals, onInvalid, logger } = options;
  return {
    note: (kind, subject, claimed) => {
      onInvalid(kind);
      logger.warn({ subject, claimed }, `${kind} under another's name, dropped`);
      // Who may publish there is known to the broker alone: the subject stands for them.
      refusals.note({
        caller: { kind: 'agent', id: subject, name: subject },
        action: `broker.${kind}`,
        object: claimed,
        code: 'OPMAS_FORBIDDEN',
      });
    },
  };
}
