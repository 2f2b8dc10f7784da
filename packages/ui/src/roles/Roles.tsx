// What people and tokens may do, by name.
import { Button, Loader } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import type { Role } from '../api/resources.ts';
import { useRoles } from '../data/access.ts';
import { useMay } from '../data/me.ts';
import { DataList } from '../parts/DataList.tsx';
import { Fault } from '../parts/Fault.tsx';
import { Notice } from '../parts/Notice.tsx';
import { Page } from '../parts/Page.tsx';
import { rolesText } from '../text/roles.ts';
import { text } from '../text.ts';
import { columns } from './columns.tsx';
import { RoleEditor } from './RoleEditor.tsx';
import { RoleSheet } from './RoleSheet.tsx';

const route = getRouteApi('/app/roles');

export function Roles() {
  const mayWrite = useMay('roles:write');
  const roles = useRoles();
  const { role: openName } = route.useSearch();
  const navigate = route.useNavigate();
  /** `null`: a new one. */
  const [edited, setEdited] = useState<Role | null>();
  const [said, setSaid] = useState<string>();
  const rows = roles.data?.items ?? [];
  const open = (role?: string) =>
    void navigate({ search: role ? { role } : {}, replace: true, resetScroll: false });
  const edit = (role: Role | null) => {
    setSaid(undefined);
    open();
    setEdited(role);
  };

  return (
    <Page
      title={rolesText.title}
      aside={
        mayWrite && (
          <Button size="sm" leftSection={<Plus size={16} aria-hidden />} onClick={() => edit(null)}>
            {rolesText.add}
          </Button>
        )
      }
    >
      <Notice said={said} />
      {roles.error && <Fault error={roles.error} onRetry={() => void roles.refetch()} />}
      {roles.isPending && !roles.error && <Loader aria-label={text.loading} mx="auto" my="xl" />}
      {rows.length > 0 && (
        <DataList
          label={rolesText.table}
          columns={columns}
          rows={rows}
          rowKey={(row) => row.name}
          rowHeight={45}
          onOpen={(row) => open(row.name)}
          isOpen={(row) => row.name === openName}
        />
      )}
      <RoleSheet
        role={rows.find((role) => role.name === openName)}
        isOpen={openName !== undefined && roles.data !== undefined}
        onClose={() => open()}
        onEdit={mayWrite ? edit : undefined}
      />
      <RoleEditor
        role={edited}
        onClose={() => setEdited(undefined)}
        onSaved={() => {
          setEdited(undefined);
          setSaid(rolesText.detail.saved);
        }}
      />
    </Page>
  );
}
