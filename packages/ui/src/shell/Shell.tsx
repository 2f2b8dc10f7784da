// The frame around every screen of a signed-in user.
import { AppShell, Burger, Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet } from '@tanstack/react-router';
import {
  Boxes,
  KeyRound,
  LayoutGrid,
  ListChecks,
  ListTodo,
  LogOut,
  type LucideIcon,
  Package,
  RadioTower,
  ScrollText,
  Settings2,
  ShieldAlert,
  UserCog,
  UserRound,
  Users,
} from 'lucide-react';
import { useMe } from '../data/me.ts';
import { useServices } from '../data/services.ts';
import { mayEverywhere, maySomewhere } from '../lib/grants.ts';
import { visible } from '../lib/visible.ts';
import { text } from '../text.ts';
import { Announcer } from './Announcer.tsx';
import { ConnectionPill } from './ConnectionPill.tsx';
import { Logo } from './Logo.tsx';
import s from './Shell.module.css';
import { ThemeSwitch } from './ThemeSwitch.tsx';

interface Item {
  to:
    | '/'
    | '/findings'
    | '/configs'
    | '/groups'
    | '/sources'
    | '/rules'
    | '/jobs'
    | '/packages'
    | '/users'
    | '/roles'
    | '/tokens'
    | '/audit';
  icon: LucideIcon;
  label: string;
}

/** `isWhole`: a grant limited to some agents is none for it. */
const OVERVIEW: readonly (Item & { needs: string; isWhole?: boolean })[] = [
  { to: '/', icon: LayoutGrid, label: text.nav.fleet, needs: 'agents:read' },
  { to: '/findings', icon: ShieldAlert, label: text.nav.findings, needs: 'findings:read' },
  { to: '/sources', icon: RadioTower, label: text.nav.sources, needs: 'agents:read' },
  { to: '/rules', icon: ListChecks, label: text.nav.rules, needs: 'configs:read' },
  { to: '/configs', icon: Settings2, label: text.nav.configs, needs: 'configs:read' },
  { to: '/groups', icon: Boxes, label: text.nav.groups, needs: 'groups:read', isWhole: true },
  { to: '/jobs', icon: ListTodo, label: text.nav.jobs, needs: 'jobs:read' },
  { to: '/packages', icon: Package, label: text.nav.packages, needs: 'packages:read' },
];

/** Shown to whoever may see them; the server decides in any case. */
const ACCESS: readonly (Item & { needs: string })[] = [
  { to: '/users', icon: Users, label: text.nav.users, needs: 'users:read' },
  { to: '/roles', icon: UserCog, label: text.nav.roles, needs: 'roles:read' },
  { to: '/tokens', icon: KeyRound, label: text.nav.tokens, needs: 'tokens:read' },
  { to: '/audit', icon: ScrollText, label: text.nav.audit, needs: 'audit:read' },
];

export function Shell() {
  const { session } = useServices();
  const me = useMe();
  const [isOpen, nav] = useDisclosure(false);
  const name = visible(me?.username ?? '');
  const access = ACCESS.filter(({ needs }) => mayEverywhere(me, needs));
  return (
    <AppShell
      header={{ height: 52 }}
      navbar={{ width: 208, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <a href="#content" className={s.skip}>
        {text.skip}
      </a>
      <AppShell.Header className={s.header}>
        <Burger
          opened={isOpen}
          onClick={nav.toggle}
          hiddenFrom="sm"
          size="sm"
          aria-label={text.nav.menu}
        />
        <Link to="/" className={s.brand} aria-label={text.product}>
          <Logo />
          <span>{text.product}</span>
        </Link>
        <span className={s.space} />
        <ConnectionPill />
        <ThemeSwitch />
      </AppShell.Header>
      <AppShell.Navbar className={s.nav} aria-label={text.nav.label}>
        {OVERVIEW.filter(
          ({ to, needs, isWhole }) =>
            to === '/' || (isWhole ? mayEverywhere : maySomewhere)(me, needs),
        ).map((item) => (
          <NavItem key={item.to} {...item} onClick={nav.close} />
        ))}
        {access.length > 0 && <div className={s.group}>{text.nav.access}</div>}
        {access.map((item) => (
          <NavItem key={item.to} {...item} onClick={nav.close} />
        ))}
        <span className={s.space} />
        <div className={s.user}>
          <Link
            to="/account"
            className={s.link}
            title={text.signedInAs(name)}
            aria-label={text.nav.accountOf(name)}
            onClick={nav.close}
          >
            <UserRound size={17} aria-hidden />
            <span className={s.name}>{name}</span>
          </Link>
          <Button
            variant="default"
            size="xs"
            fullWidth
            leftSection={<LogOut size={14} aria-hidden />}
            onClick={() => {
              // Signed out here in any case; a server out of reach ends the session when it expires.
              session.end().catch((error: unknown) => console.warn(error));
            }}
          >
            {text.signOut}
          </Button>
        </div>
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1} className={s.main}>
        <Outlet />
      </AppShell.Main>
      <Announcer />
    </AppShell>
  );
}

function NavItem({ to, icon: Icon, label, onClick }: Item & { onClick: () => void }) {
  return (
    <Link
      to={to}
      activeOptions={{ exact: to === '/', includeSearch: false }}
      className={s.link}
      onClick={onClick}
    >
      <Icon size={17} aria-hidden />
      {label}
    </Link>
  );
}
