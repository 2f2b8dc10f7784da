// The frame around every screen of a signed-in user.
import { AppShell, Burger, Button } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { Link, Outlet } from '@tanstack/react-router';
import { LayoutGrid, LogOut, type LucideIcon, ShieldAlert } from 'lucide-react';
import { useSyncExternalStore } from 'react';
import { useServices } from '../data/services.ts';
import { text } from '../text.ts';
import { Announcer } from './Announcer.tsx';
import { ConnectionPill } from './ConnectionPill.tsx';
import { Logo } from './Logo.tsx';
import s from './Shell.module.css';
import { ThemeSwitch } from './ThemeSwitch.tsx';

export function Shell() {
  const { session } = useServices();
  const state = useSyncExternalStore(session.subscribe, session.state);
  const [isOpen, nav] = useDisclosure(false);
  const name = state.phase === 'in' ? state.identity.username : '';
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
        <NavItem to="/" icon={LayoutGrid} label={text.nav.fleet} onClick={nav.close} />
        <NavItem to="/findings" icon={ShieldAlert} label={text.nav.findings} onClick={nav.close} />
        <span className={s.space} />
        <div className={s.user}>
          <span className={s.name} title={text.signedInAs(name)}>
            {text.signedInAs(name)}
          </span>
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

function NavItem(props: {
  to: '/' | '/findings';
  icon: LucideIcon;
  label: string;
  onClick: () => void;
}) {
  const Icon = props.icon;
  return (
    <Link
      to={props.to}
      activeOptions={{ exact: true, includeSearch: false }}
      className={s.link}
      onClick={props.onClick}
    >
      <Icon size={17} aria-hidden />
      {props.label}
    </Link>
  );
}
