// Times as people read them.
import { text } from '../text.ts';

/** `3 min ago`; a moment up to 5 s ahead is "just now", because clocks differ. */
export function relative(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return text.time.unknown;
  const seconds = Math.round((now - then) / 1000);
  if (seconds < -5) return text.time.ahead(span(-seconds).replace(/ ago$/, ''));
  return seconds < 5 ? text.time.now : span(seconds);
}

function span(seconds: number): string {
  if (seconds < 60) return text.time.seconds(seconds);
  if (seconds < 3_600) return text.time.minutes(Math.floor(seconds / 60));
  if (seconds < 172_800) return text.time.hours(Math.floor(seconds / 3_600));
  return text.time.days(Math.floor(seconds / 86_400));
}

/** `42 s`, `3:07 min`: a time to wait. */
export function duration(seconds: number): string {
  if (seconds < 60) return text.time.wait(seconds);
  const rest = String(seconds % 60).padStart(2, '0');
  return text.time.waitMinutes(`${Math.floor(seconds / 60)}:${rest}`);
}

const FULL = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'long',
});
const CLOCK = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DAY = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

/** Date, time to the second and zone. */
export function absolute(at: string): string {
  const then = Date.parse(at);
  return Number.isNaN(then) ? at : FULL.format(then);
}

/** The time of day, for the pill. */
export function clockTime(at: number): string {
  return CLOCK.format(at);
}

/** The time of day, with the date in front when it is not today's. */
export function shortTime(at: string, now: number): string {
  const then = Date.parse(at);
  if (Number.isNaN(then)) return at;
  const isToday = new Date(then).toDateString() === new Date(now).toDateString();
  return isToday ? CLOCK.format(then) : `${DAY.format(then)} ${CLOCK.format(then)}`;
}

/** The start of the local day, RFC 3339. */
export function startOfToday(now: number): string {
  const day = new Date(now);
  day.setHours(0, 0, 0, 0);
  return day.toISOString();
}
