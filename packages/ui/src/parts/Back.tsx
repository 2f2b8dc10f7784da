// Leads from one thing back to the list it is in.
import { Link, type LinkProps } from '@tanstack/react-router';
import { ArrowLeft } from 'lucide-react';
import s from './Back.module.css';

export function Back({ to, label }: { to: NonNullable<LinkProps['to']>; label: string }) {
  return (
    <Link to={to} className={`link ${s.back}`}>
      <ArrowLeft size={15} aria-hidden />
      {label}
    </Link>
  );
}
