-- Daily partitions, made ahead by a function that runs with its owner's rights: the application's role
-- owns no table.

CREATE FUNCTION ensure_partitions(days_ahead integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = @schema@, pg_temp AS $$
DECLARE
  parent text;
  day date;
  made integer := 0;
BEGIN
  IF days_ahead < 0 OR days_ahead > 60 THEN
    RAISE EXCEPTION 'days_ahead must be 0 to 60';
  END IF;
  PERFORM pg_advisory_xact_lock(7401);
  FOREACH parent IN ARRAY ARRAY['findings', 'agent_metrics', 'agent_logs'] LOOP
    FOR offset_days IN -1..days_ahead LOOP
      day := (now() AT TIME ZONE 'UTC')::date + offset_days;
      IF to_regclass(format('%I', parent || '_' || to_char(day, 'YYYYMMDD'))) IS NULL THEN
        EXECUTE format(
          'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
          parent || '_' || to_char(day, 'YYYYMMDD'), parent,
          day::text || ' 00:00:00+00', (day + 1)::text || ' 00:00:00+00');
        made := made + 1;
      END IF;
    END LOOP;
  END LOOP;
  RETURN made;
END;
$$;
REVOKE ALL ON FUNCTION ensure_partitions(integer) FROM PUBLIC;
SELECT ensure_partitions(7);
