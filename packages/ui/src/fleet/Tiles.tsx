// Four figures that say at once whether anything is wrong; each leads to what it counts.
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useFindingsToday, usePackages } from '../data/queries.ts';
import { useNow } from '../lib/clock.ts';
import { startOfToday } from '../lib/time.ts';
import { limits } from '../limits.ts';
import { text } from '../text.ts';
import s from './Fleet.module.css';
import { countGroups, type FleetRow } from './filter.ts';

const words = text.fleet.tiles;

export function Tiles({ rows }: { rows: readonly FleetRow[] }) {
  const counts = countGroups(rows);
  const present = rows.length - counts.removed;
  const worst = rows.find((row) => row.standing.group === 'attention');
  return (
    <div className={s.tiles}>
      <Link to="/" search={{ status: ['running'] }} className={s.tile}>
        <Figures label={words.running} value={counts.running} note={words.runningOf(present)} />
      </Link>
      <Link
        to="/"
        search={{ status: ['attention'] }}
        className={s.tile}
        data-tone={worst ? 'bad' : undefined}
      >
        <Figures
          label={words.attention}
          value={counts.attention}
          note={worst ? words.attentionFirst(worst.agent.name) : words.attentionNone}
        />
      </Link>
      <FindingsTile all={rows.reduce((sum, { agent }) => sum + agent.findings_count, 0)} />
      <PackagesTile />
    </div>
  );
}

function FindingsTile({ all }: { all: number }) {
  const today = useFindingsToday(startOfToday(useNow()));
  const items = today.data?.items ?? [];
  const more = items.length >= limits.findingsCounted ? '+' : '';
  const open = items.filter((finding) => finding.status === 'open').length;
  return (
    <Link to="/findings" className={s.tile}>
      <Figures
        label={words.findings}
        value={today.data ? `${items.length}${more}` : '–'}
        note={words.findingsOpen(`${open}${more}`, Math.max(all, items.length))}
      />
    </Link>
  );
}

function PackagesTile() {
  const packages = usePackages();
  const all = packages.data ?? [];
  const invalid = all.filter(({ state }) => state === 'invalid').length;
  const waiting = all.filter(({ state }) => state === 'waiting').length;
  const note = waiting > 0 ? words.packagesWaiting(waiting) : words.packagesNone(all.length);
  return (
    <a href="#packages" className={s.tile} data-tone={invalid > 0 ? 'bad' : undefined}>
      <Figures label={words.packages} value={packages.data ? invalid : '–'} note={note} />
    </a>
  );
}

function Figures(props: { label: string; value: ReactNode; note: string }) {
  return (
    <>
      <span className={s.tileLabel}>{props.label}</span>
      <span className={s.tileValue}>{props.value}</span>
      <span className={s.tileNote} title={props.note}>
        {props.note}
      </span>
    </>
  );
}
