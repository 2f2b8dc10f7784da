// What is known of a package, before it is approved and after.
import type { AgentPackage } from '@opmas/protocol';
import { absolute } from '../lib/time.ts';
import { visible } from '../lib/visible.ts';
import { Breakable } from '../parts/Breakable.tsx';
import { Fact, Facts } from '../parts/Facts.tsx';
import { packagesText } from '../text/packages.ts';
import { Signer, StateMark } from './columns.tsx';

const words = packagesText.detail;

export function PackageFacts({ found }: { found: AgentPackage }) {
  const { signature } = found;
  return (
    <Facts>
      <Fact name={packagesText.columns.name}>
        <strong>{visible(found.name)}</strong>
      </Fact>
      <Fact name={packagesText.columns.state}>
        <StateMark state={found.state} />
      </Fact>
      <Fact name={packagesText.columns.version}>{found.version}</Fact>
      <Fact name={words.path}>
        <Breakable text={found.path} />
      </Fact>
      <Fact name={words.digest}>{found.digest ? <code>{found.digest}</code> : words.none}</Fact>
      {found.approved_digest !== null && found.approved_digest !== found.digest && (
        <Fact name={words.runs}>
          <code>{found.approved_digest}</code>
        </Fact>
      )}
      <Fact name={packagesText.columns.signature}>
        <Signer signature={signature} />
      </Fact>
      <Fact name={words.key}>{signature && <code>{signature.key_id}</code>}</Fact>
      <Fact name={words.signedAt}>{signature && absolute(signature.signed_at)}</Fact>
      <Fact name={packagesText.columns.approved}>
        {found.approved_by ?? packagesText.unapproved}
      </Fact>
      <Fact name={words.approvedAt}>{found.approved_at && absolute(found.approved_at)}</Fact>
      <Fact name={words.agent}>{found.agent_id}</Fact>
    </Facts>
  );
}
