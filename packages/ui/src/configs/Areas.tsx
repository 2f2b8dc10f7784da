// Whose configuration: where everything stands, the fleet's layer, those of environments, and what is prepared.
import { Link } from '@tanstack/react-router';
import { useMay } from '../data/me.ts';
import { Views } from '../parts/Views.tsx';
import { configsText } from '../text/configs.ts';

const words = configsText.areas;

type Area = 'deliveries' | 'fleet' | 'environments' | 'drafts';

export function Areas({ current }: { current: Area }) {
  const mayLayers = useMay('configs:read');
  const areas = mayLayers
    ? (['deliveries', 'fleet', 'environments', 'drafts'] as const)
    : (['deliveries', 'drafts'] as const);
  return (
    <Views
      label={words.label}
      views={areas.map((key) => ({
        key,
        label: words[key],
      }))}
      current={current}
      link={(key, link) => {
        switch (key) {
          case 'deliveries':
            return <Link key={key} to="/configs" {...link} />;
          case 'fleet':
            return <Link key={key} to="/configs/fleet" {...link} />;
          case 'drafts':
            return <Link key={key} to="/configs/drafts" {...link} />;
          case 'environments':
            return (
              <Link
                key={key}
                to="/configs/environments/$environment"
                params={{ environment: 'production' }}
                {...link}
              />
            );
        }
      }}
    />
  );
}
