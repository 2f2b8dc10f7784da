-- When an agent last could not look at the host of every event: nobody is missed for the time before.
ALTER TABLE event_sources_until ADD COLUMN partial_at timestamptz;
