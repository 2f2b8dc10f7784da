// Every package in the agents directory: what it is, who signed it, who let it run.
import { Button, Loader } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { Package, RefreshCw } from 'lucide-react';
import { useState } from 'react';
import { packagesApi } from '../api/packages.ts';
import { useMay } from '../data/me.ts';
import { usePackages } from '../data/queries.ts';
import { useServices } from '../data/services.ts';
import { DataList } from '../parts/DataList.tsx';
import { Empty } from '../parts/Empty.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Page } from '../parts/Page.tsx';
import { packagesText } from '../text/packages.ts';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import { PackageSheet } from './PackageSheet.tsx';

const route = getRouteApi('/app/packages');

export function Packages() {
  const mayApprove = useMay('packages:approve');
  const { api } = useServices();
  const packages = usePackages();
  const { package: openName } = route.useSearch();
  const navigate = route.useNavigate();
  const [said, setSaid] = useState<string>();
  const scan = useMutation({
    mutationFn: () => packagesApi(api).scan(),
    onSuccess: () => setSaid(packagesText.scanned),
  });
  const rows = (packages.data ?? []).toSorted((a, b) => a.name.localeCompare(b.name));
  const open = (name?: string) =>
    void navigate({ search: name ? { package: name } : {}, replace: true, resetScroll: false });
  const error = packages.error ?? scan.error;

  return (
    <Page
      title={packagesText.title}
      aside={
        mayApprove && (
          <Button
            variant="default"
            size="sm"
            leftSection={<RefreshCw size={15} aria-hidden />}
            loading={scan.isPending}
            onClick={() => scan.mutate()}
          >
            {packagesText.scan}
          </Button>
        )
      }
    >
      <Notice said={said} />
      {error && <Fault error={error} onRetry={() => void packages.refetch()} />}
      {packages.isPending && !error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={packagesText.table}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.path}
          rowHeight={57}
          onOpen={(row) => open(row.name)}
          isOpen={(row) => row.name === openName}
        />
      )}
      {packages.data && rows.length === 0 && <Empty icon={Package} {...packagesText.empty} />}
      <PackageSheet
        found={rows.find((row) => row.name === openName)}
        isOpen={openName !== undefined && packages.data !== undefined}
        onClose={() => open()}
        mayApprove={mayApprove}
        onDecided={(done) => {
          open();
          setSaid(done);
        }}
      />
    </Page>
  );
}
