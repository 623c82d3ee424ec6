-- The history job lists the portfolios of one time zone at a time.
create index portfolios_time_zone on portfolios (time_zone, id);
