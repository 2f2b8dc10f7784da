// What a trial came to: may it be published, what it found, what it costs, what would change.
import type { Trial } from '../../api/rules.ts';
import { visible } from '../../lib/visible.ts';
import { limits } from '../../limits.ts';
import { Fact, Facts } from '../../parts/Facts.tsx';
import { Mark } from '../../parts/Status.tsx';
import { rulesText } from '../../text/rules.ts';
import { cost, count, perThousand } from '../units.ts';
import { Bounded } from './Bounded.tsx';
import { Difference, ToldList } from './Difference.tsx';
import { Steps } from './Steps.tsx';
import s from './Try.module.css';

const words = rulesText.trial;
/** Below this the start of the engine is most of the figure. */
const FEW_EVENTS = 1_000;

export function TrialResult({ trial, agent }: { trial: Trial; agent: string }) {
  const { stopped, events } = trial;
  return (
    <>
      <div>
        <Mark
          tone={trial.valid ? 'good' : 'bad'}
          word={trial.valid ? words.valid : words.invalid}
        />
      </div>
      <Places title={words.errors} places={trial.errors} />
      <Places title={words.examples} places={trial.failed_examples} />
      <Places title={words.warnings} places={trial.warnings} />
      {events === 0 && <p className="muted">{words.none}</p>}
      {stopped && <p className={s.note}>{words.stopped[stopped]}</p>}
      {events > 0 && (
        <>
          <Figures trial={trial} />
          {trial.difference && <Difference difference={trial.difference} agent={agent} />}
          {trial.told.length > 0 && (
            <>
              <h3 className={s.heading}>{words.told}</h3>
              <ToldList told={trial.told} all={trial.findings} />
            </>
          )}
          <Steps trial={trial} />
          <PerRule trial={trial} />
        </>
      )}
    </>
  );
}

function Places({ title, places }: { title: string; places: Trial['errors'] }) {
  if (places.length === 0) return null;
  return (
    <div>
      <h3 className={s.heading}>{title}</h3>
      <ul className={s.places}>
        {places.map(({ path, message }) => (
          <li key={`${path} ${message}`}>
            {path && <code>{visible(path)}</code>} {visible(message)}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Figures({ trial }: { trial: Trial }) {
  const { events, ns_per_event: perEvent } = trial;
  return (
    <>
      <Facts>
        <Fact name={words.events}>{count(events)}</Fact>
        <Fact name={words.matched}>{count(trial.matched)}</Fact>
        <Fact name={words.findings}>{count(trial.findings)}</Fact>
        <Fact name={words.rate}>{perThousand(trial.rate)}</Fact>
        <Fact name={words.perEvent}>
          {perEvent !== null && (
            <>
              {cost(perEvent)} {events < FEW_EVENTS && <span className="muted">{words.few}</span>}
            </>
          )}
        </Fact>
      </Facts>
      {trial.source === 'recorded' && <p className={s.hint}>{words.open}</p>}
    </>
  );
}

function PerRule({ trial }: { trial: Trial }) {
  const names = rulesText.columns;
  return (
    <>
      <h3 className={s.heading} id="trial-rules">
        {words.perRule}
      </h3>
      <Bounded rows={trial.rules} first={limits.trialRulesShown}>
        {(rules) => (
          <table className={s.table} aria-labelledby="trial-rules">
            <thead>
              <tr>
                <th scope="col">{names.rule}</th>
                <th scope="col">{words.matches}</th>
                <th scope="col">{words.findings}</th>
                <th scope="col">{names.cost}</th>
              </tr>
            </thead>
            <tbody>
              {rules.map((rule) => (
                <tr key={rule.rule_id}>
                  <td title={visible(rule.rule_id)}>{visible(rule.name)}</td>
                  <td>{count(rule.matches)}</td>
                  <td>{count(rule.findings)}</td>
                  <td>{rule.cost_ns === null ? '–' : cost(rule.cost_ns)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Bounded>
      {trial.more_rules > 0 && <p className="muted">{words.moreRules(trial.more_rules)}</p>}
    </>
  );
}
