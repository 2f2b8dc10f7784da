// What a draft is for, and what publishing it would do now.
import type { ReactNode } from 'react';
import { type DraftDetail, whereOf } from '../../api/drafts.ts';
import { absolute } from '../../lib/time.ts';
import { visible } from '../../lib/visible.ts';
import { Fact, Facts } from '../../parts/Facts.tsx';
import { Section } from '../../parts/Section.tsx';
import { Mark } from '../../parts/Status.tsx';
import { TimeAgo } from '../../parts/TimeAgo.tsx';
import { configsText } from '../../text/configs.ts';
import { draftsText as words } from '../../text/drafts.ts';
import { Blast } from '../Blast.tsx';
import { Changes } from '../Changes.tsx';
import s from '../Configs.module.css';
import { DraftLayer } from './layer.tsx';

export function DraftNow({ detail, aside }: { detail: DraftDetail; aside: ReactNode }) {
  const { valid, errors, diff } = detail;
  const isSame = diff.changes.length === 0;
  return (
    <>
      <Section title={words.views.now} aside={aside}>
        <div className={s.state}>
          <Mark
            tone={valid ? 'good' : 'bad'}
            word={valid ? words.verdict.valid : words.verdict.invalid}
          />
          {isSame && <span>{words.verdict.same}</span>}
        </div>
        {errors.length > 0 && (
          <ul className={s.faults}>
            {errors.map(({ path, message }) => (
              <li key={`${path} ${message}`}>
                {path !== '' && <code>{visible(path)}</code>} {visible(message)}
              </li>
            ))}
          </ul>
        )}
        <Facts>
          <Fact name={words.facts.layer}>
            <DraftLayer where={whereOf(detail)} />
          </Fact>
          <Fact name={words.facts.reason}>{detail.reason}</Fact>
          <Fact name={words.facts.version}>
            {`${configsText.version(detail.base_version)}${
              detail.moved ? `, ${words.facts.inForce(detail.head_version)}` : ''
            }`}
          </Fact>
          <Fact name={words.facts.author}>{detail.author}</Fact>
          <Fact name={words.facts.updated}>
            <>
              {visible(detail.updated_by)}, <TimeAgo at={detail.updated_at} />
            </>
          </Fact>
          <Fact name={words.facts.ends}>{absolute(detail.expires_at)}</Fact>
        </Facts>
      </Section>
      <Section title={words.changes}>
        <Changes diff={diff} label={words.changes} />
      </Section>
      {/* Under a rollout its job tells who has it. */}
      {valid && detail.job_id === null && (
        <Section title={configsText.blast.title}>
          <Blast check={detail} />
        </Section>
      )}
    </>
  );
}
