-- Finds the newest quote without reading all of them. The day rather than the time:
-- an update within a day leaves the index alone.
create index quotes_day on quotes (day);
