-- Finds the newest quote without reading all of them. It has the day rather than the
-- time, so that an update within a day does not change the index.
create index quotes_day on quotes (day);
