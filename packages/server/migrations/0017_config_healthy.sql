-- The configuration that an instance would go back to, as it said last.
ALTER TABLE config_instances
  ADD COLUMN healthy_hash    varchar(64),
  ADD COLUMN healthy_version integer;
