// Screens for when there is nothing else to show: starting, out of reach, lost, broken.
import { Button, Loader } from '@mantine/core';
import { type ErrorComponentProps, Link } from '@tanstack/react-router';
import { CloudOff, Compass } from 'lucide-react';
import { useEffect } from 'react';
import { useServices } from '../data/services.ts';
import { limits } from '../limits.ts';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { text } from '../text.ts';
import s from './Trouble.module.css';

export function Starting() {
  return (
    <main className={s.middle} aria-busy="true">
      <Loader aria-label={text.loading} />
    </main>
  );
}

/** The session of before cannot be asked for; tried again until it can. */
export function Unreachable() {
  const { session } = useServices();
  useEffect(() => {
    const timer = setInterval(() => void session.restore(), limits.restoreRetryMs);
    return () => clearInterval(timer);
  }, [session]);
  return (
    <main className={s.middle}>
      <Empty
        isScreen
        icon={CloudOff}
        title={text.boot.unreachable}
        text={text.boot.unreachableText}
      />
    </main>
  );
}

export function NotFound() {
  return (
    <main className={s.middle}>
      <Empty isScreen icon={Compass} title={text.notFound.title} text={text.notFound.text}>
        <Button component={Link} to="/">
          {text.notFound.back}
        </Button>
      </Empty>
    </main>
  );
}

export function Broken({ error, reset }: ErrorComponentProps) {
  return (
    <div className={s.broken}>
      <h1>{text.crash.title}</h1>
      <Fault error={error} onRetry={reset} />
    </div>
  );
}
