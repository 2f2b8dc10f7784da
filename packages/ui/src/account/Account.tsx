// Your own account: who you are and may be, password, second factor, and where you are signed in.
import { useMe } from '../data/me.ts';
import { visible } from '../lib/visible.ts';
import { Fact, Facts } from '../parts/Facts.tsx';
import { GrantList } from '../parts/GrantList.tsx';
import { Page } from '../parts/Page.tsx';
import { Section } from '../parts/Section.tsx';
import { accountText } from '../text/account.ts';
import s from './Account.module.css';
import { Password } from './Password.tsx';
import { SecondFactor } from './SecondFactor.tsx';
import { Sessions } from './Sessions.tsx';

const words = accountText.who;

export function Account() {
  const me = useMe();
  if (!me) return null;
  return (
    <Page title={accountText.title}>
      <div className={s.account}>
        <Section title={words.title}>
          <Facts>
            <Fact name={words.username}>{me.username}</Fact>
            <Fact name={words.source}>{me.password ? words.local : words.elsewhere}</Fact>
            <Fact name={words.roles}>{me.roles.map(visible).join(', ')}</Fact>
            <Fact name={words.may}>
              <GrantList grants={me.grants} />
            </Fact>
          </Facts>
        </Section>
        <Password me={me} />
        {me.password && <SecondFactor me={me} />}
        <Sessions />
      </div>
    </Page>
  );
}
