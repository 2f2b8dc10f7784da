// A layer cannot be written while a job rolls it out: what that means, and the way to the job.
import { Link } from '@tanstack/react-router';
import { ExternalLink } from 'lucide-react';
import { useMe } from '../data/me.ts';
import { maySomewhere } from '../lib/grants.ts';
import { text } from '../text.ts';

const words = text.held;
export function HeldByJob({ job }: { job: string }) {
  const maySee = maySomewhere(useMe(), 'jobs:read');
  return (
    <>
      <span>{words.text}</span>
      {maySee && (
        // Elsewhere, so that nothing that was typed here is lost.
        <Link to="/jobs/$job" params={{ job }} target="_blank" className="link">
          {words.link} <ExternalLink size={13} aria-label={words.elsewhere} />
        </Link>
      )}
    </>
  );
}
