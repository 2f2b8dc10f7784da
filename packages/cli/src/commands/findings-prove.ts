/** `opmas findings prove`: what made a finding, and whether the same rule tells the same again. */
import { findingsProve } from '@opmas/client';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Run } from '../run.ts';

export async function prove({ api: connect, out, args }: Run): Promise<ExitCode> {
  const api = await connect();
  const proof = await api.call((client) =>
    findingsProve({ client, path: { finding_id: args[0] ?? '' } }),
  );
  const { verdict, explanation, made_by, rule, event } = proof;
  const recorded = event?.recorded ?? null;
  out.one(proof, [
    ['finding', proof.finding_id],
    ['verdict', verdict],
    ['', explanation],
    ['agent', `${made_by.agent_name} (${made_by.agent_id})`],
    ['agent version', made_by.agent_version],
    ['package digest', made_by.package_digest],
    ['configuration hash', made_by.config_hash],
    ['rule', rule?.rule_id],
    ['rule version', rule?.version],
    ['rule from', rule?.from],
    ['rule document', rule?.document],
    ['event', event?.event_id],
    ['event recorded', recorded === null ? null : `${recorded.subject} ${recorded.sequence}`],
    ['event stored at', recorded?.stored_at],
    ['event SHA-256', recorded?.sha256],
    ['event bytes', recorded?.json],
  ]);
  if (verdict === 'same') return EXIT.ok;
  return verdict === 'not_same' ? EXIT.difference : EXIT.partial;
}
